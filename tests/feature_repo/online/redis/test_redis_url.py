"""A URL of one server means the same to Aisle and to Feast; any other is refused by name."""

import pytest
import redis

from feature_repo.feast_repo.repository import connection_string
from feature_repo.home import SettingError
from feature_repo.library_internals import redis_client as feast_client
from feature_repo.online.feast.store import AisleOnlineStoreConfig
from feature_repo.online.redis import RedisAddress

USABLE = {
    "redis://localhost": {"host": "localhost", "port": 6379},
    "redis://cache:6380/2": {"host": "cache", "port": 6380, "db": 2},
    "redis://cache?db=3": {"host": "cache", "db": 3},
    "redis://:secret@cache": {"password": "secret"},
    "redis://shop:p%40ss%2Fw%23rd@cache": {"username": "shop", "password": "p@ss/w#rd"},
    "redis://:123456@cache": {"password": "123456"},
    "redis://[::1]:6380/1": {"host": "::1", "port": 6380, "db": 1},
    "redis://[fe80::1]": {"host": "fe80::1", "port": 6379},
    "redis://:a%3Ab@[::1]": {"host": "::1", "password": "a:b"},
    "rediss://cache": {"host": "cache"},
    "rediss://cache?ssl_ca_certs=/etc/ca.pem": {"ca_certs": "/etc/ca.pem"},
    "rediss://cache?ssl_ca_certs=%2Fetc%2Fmy%20ca.pem": {"ca_certs": "/etc/my ca.pem"},
    "rediss://cache?ssl_cert_reqs=none&ssl_check_hostname=false": {
        "cert_reqs": 0,
        "check_hostname": False,
    },
    "rediss://cache?ssl_check_hostname=false": {"check_hostname": False},
    "rediss://cache?ssl_certfile=a.pem&ssl_keyfile=b.pem": {
        "certfile": "a.pem",
        "keyfile": "b.pem",
    },
    "redis://cache?client_name=aisle&health_check_interval=5": {
        "client_name": "aisle",
        "health_check_interval": 5,
    },
    "redis://cache?protocol=3": {"protocol": 3},
}

REFUSED = {
    "http://localhost": "scheme",
    "localhost:6379": "scheme",
    "": "scheme",
    "unix:///tmp/redis.sock": "socket file",
    "unix://:secret@/tmp/redis.sock?db=1": "socket file",
    "redis+sentinel://:secret@one:26379,two:26379/mymaster": "Sentinel",
    "redis-sentinel://one:26379": "Sentinel",
    "redis+cluster://one:7000": "cluster",
    "redis://one:7000,two:7001/0": "cluster",
    "redis://cache:secret": "cannot be read",
    "redis://cache:99999": "cannot be read",
    "redis://cache:0": "Port 0",
    "redis://:sec#ret@cache": "%23",
    "redis://:secret@[::1": "cannot be read",
    "redis://cache/name": "database is a number",
    "redis://cache/0/1": "database is a number",
    "redis://cache?db=one": "cannot be read",
    "redis://cache?decode_responses=True": "decode_responses",
    "redis://cache?socket_timeout=3": "socket_timeout",
    "redis://cache?retry_on_timeout=1&timeout=2": "retry_on_timeout, timeout",
    "rediss://cache?ssl_min_version=2": "ssl_min_version",
    "redis://cache?passwort=secret": "passwort",
}


@pytest.mark.parametrize("url", USABLE)
def test_feast_connects_as_the_url_says(url):
    address = RedisAddress.parse(url)

    client = feast_client(AisleOnlineStoreConfig(connection_string=connection_string(address)))

    own, feast = (
        redis.Redis.from_url(url).connection_pool.make_connection(),
        client.connection_pool.make_connection(),
    )
    assert type(own) is type(feast)
    for name, expected in USABLE[url].items():
        values = [getattr(each, name, None) for each in (own, feast)]
        assert [str(value) for value in values] == [str(expected)] * 2, name


@pytest.mark.parametrize("url", REFUSED)
def test_another_url_is_refused_with_the_reason_and_without_a_secret(url):
    with pytest.raises(SettingError) as refused:
        RedisAddress.parse(url)

    assert REFUSED[url] in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_value_that_feast_cannot_write_is_refused():
    address = RedisAddress.parse("redis://:one%2Ctwo@cache")

    with pytest.raises(SettingError, match="comma, which password contains") as refused:
        connection_string(address)

    assert "two" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"client": "glide"}, "client: glide"),
        ({"connection_string": "cache:6379,decode_responses=true"}, "decode_responses"),
        ({"connection_string": "cache:6379,decode_responses=True"}, "decode_responses"),
    ],
)
def test_options_that_change_what_is_read_are_refused_by_name(options, reason):
    with pytest.raises(ValueError, match=reason):
        AisleOnlineStoreConfig(**options)
