"""The rendered repository, and loads into a real Redis."""

import sqlite3
import time

import pytest
import yaml
from feast.errors import FeatureViewNotFoundException
from feast.infra.online_stores.redis import RedisOnlineStore

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import InteractionEvent, ItemEvent, UserEvent
from feature_repo.feast_repo import repository as feast_repo
from feature_repo.home import DAY, SECOND, Home, RedisError, to_datetime
from feature_repo.online.redis import RedisAddress, redis_client
from feature_repo.transformations import transform
from tests.feature_repo.histories import START, write_log, write_shop
from tests.feature_repo.shops import ODD
from tests.scale import seconds


@pytest.fixture
def loaded(home, redis_address):
    """Return a function that writes events, transforms, applies and loads."""
    feast_repo.render(home, redis_address)

    def load(events, *, until=None, full=False):
        last = write_log(home, events)
        home.clock.write_text(str(last + SECOND - time.time_ns() // 1000))
        transform(home, START)
        feast_repo.apply(home)
        return feast_repo.materialize(home, last + 1 if until is None else until, full=full)

    return load


def click(event_id, at, item="i"):
    return InteractionEvent(event_id=event_id, event_time=at, item_id=item, type="click")


def online(home, feature, item="i"):
    answer = feast_repo.open_store(home).get_online_features(
        features=[feature], entity_rows=[{"item_id": item}]
    )
    return answer.to_dict()[feature.split(":")[1]][0]


def test_the_connection_string_parses_in_feast_with_its_limits():
    address = RedisAddress.parse("rediss://me:12345@h:1/3")
    text = feast_repo.connection_string(address, timeout_seconds=0.05)

    nodes, options = RedisOnlineStore._parse_connection_string(text)

    assert nodes == [{"host": "h", "port": "1"}]
    assert options == {
        "username": "me",
        "password": "12345",
        "db": 3,
        "ssl": True,
        "socket_timeout": 0.05,
        "socket_connect_timeout": 0.05,
        "retry": None,
    }


def test_serving_may_shorten_the_deadline_of_the_rendered_file(home):
    feast_repo.render(home, RedisAddress.local(1))

    store = feast_repo.open_store(home, timeout_seconds=0.05)

    assert store.config.online_store.deadline_seconds == 0.05


def test_paths_are_absolute_and_odd_folders_are_quoted(tmp_path):
    home = Home(tmp_path / 'it\'s: a "shop" é🎉')

    folder = feast_repo.render(home, RedisAddress.local(1))

    rendered = yaml.safe_load((folder / "feature_store.yaml").read_text())
    assert rendered["registry"]["path"] == f"sqlite:///{home.registry}"
    assert rendered["project"] == home.project
    assert feast_repo.apply(home).list_feature_views()


def test_the_registry_is_in_wal_mode(home):
    feast_repo.render(home, RedisAddress.local(1))
    feast_repo.apply(home)

    with sqlite3.connect(home.registry) as database:
        assert database.execute("pragma journal_mode").fetchone() == ("wal",)
    database.close()


def test_rendering_again_changes_no_file(home):
    feast_repo.render(home, RedisAddress.local(1))
    before = {path: path.stat().st_mtime_ns for path in home.feast.iterdir()}

    feast_repo.render(home, RedisAddress.local(1))

    assert {path: path.stat().st_mtime_ns for path in home.feast.iterdir()} == before


def test_apply_removes_stale_objects_from_the_registry(home, redis_address):
    feast_repo.render(home, redis_address)
    store = feast_repo.apply(home)
    extra = Catalogue.of(home).view("item_engagement")
    extra.name = "forgotten"
    store.apply([extra], partial=True)

    names = {view.name for view in feast_repo.apply(home).list_feature_views()}

    assert names == {view.name for view in Catalogue.of(home).views}


def test_a_registry_without_tables_has_no_views_and_is_completed(home, redis_address):
    feast_repo.render(home, redis_address)
    home.registry.touch()

    before = feast_repo.registered_views(home)
    feast_repo.apply(home)

    assert before == set()
    assert "item_engagement" in feast_repo.registered_views(home)


def test_apply_follows_a_changed_shop(home, loaded):
    loaded([UserEvent(event_id="1", event_time=START, user_id="u", fields={"device": "phone"})])
    query = {"features": ["user_attributes:device"], "entity_rows": [{"user_id": "u"}]}
    device = feast_repo.open_store(home).get_online_features(**query).to_dict()["device"]
    write_shop(home, ODD)

    store = feast_repo.apply(home)

    assert device == ["phone"]
    assert {view.name for view in store.list_feature_views()} == {
        view.name for view in Catalogue.of(home).views
    }
    assert [f.name for f in store.get_feature_view("item_attributes").features] == [
        f.name for f in Catalogue.of(home).view("item_attributes").features
    ]
    with pytest.raises(FeatureViewNotFoundException):
        store.get_online_features(**query)


def test_first_load_starts_at_the_first_day_of_the_log(home, loaded):
    loaded([click("1", START), click("2", START + 1500 * DAY, item="j")])

    assert online(home, "item_engagement:clicks_all") == 1
    assert online(home, "item_engagement:clicks_30d") == 0
    assert online(home, "item_engagement:clicks_1d", "j") == 1
    assert online(home, "item_engagement:clicks_all", "unknown") is None


def test_later_load_starts_where_the_last_one_ended(home, loaded):
    first = loaded([click("1", START)])
    second = loaded([click("1", START), click("2", START + 5)])

    assert (first, second) == (START + 1, START + 6)
    assert online(home, "item_engagement:clicks_all") == 2


def test_a_load_never_goes_beyond_the_last_seal(home, loaded):
    ended = loaded([click("1", START)], until=START + 400 * DAY)

    assert ended == START + 1
    assert online(home, "item_engagement:clicks_1d") == 1


def test_rows_loaded_by_hand_into_the_future_do_not_hide_later_events(home, loaded):
    loaded([click("1", START)])
    store = feast_repo.open_store(home)
    store.materialize(to_datetime(START), to_datetime(START + 9 * DAY))
    loaded([click("1", START), click("2", START + DAY)])

    assert online(home, "item_engagement:clicks_7d") == 2


def test_emptied_server_gets_a_full_load(home, loaded, redis_address):
    events = [click("1", START)]
    loaded(events)
    with redis_client(redis_address, timeout=seconds(5)) as client:
        client.flushall()

    loaded(events)

    assert online(home, "item_engagement:clicks_all") == 1


def test_rebuild_replaces_rows_of_the_same_instant_and_removes_all_others(home, loaded):
    loaded([ItemEvent(event_id="1", event_time=START, item_id="i", fields={"price": 1.0})])
    for path in home.log.rglob("*.parquet"):
        path.unlink()
    feast_repo.clear_online(home)

    loaded(
        [ItemEvent(event_id="2", event_time=START, item_id="i", fields={"price": 2.0})], full=True
    )

    assert online(home, "item_attributes:price") == 2.0
    assert online(home, "item_engagement:clicks_all") is None


def test_every_feature_of_every_type_survives_the_way_to_redis(home, loaded):
    write_shop(home, ODD)
    fields = {"🎉": "party", "a/b~c.d[0]$*": 1.5, "size_y": ["s", "m"], "rn": True}

    loaded(
        [
            ItemEvent(
                event_id="1",
                event_time=START,
                item_id="i",
                fields={**fields, "order": "2021-11-14", "at": "here"},
            )
        ]
    )

    catalogue = Catalogue.of(home)
    names = [f"item_attributes:{f.name}" for f in catalogue.view("item_attributes").features]
    answer = feast_repo.open_store(home).get_online_features(
        features=names, entity_rows=[{"item_id": "i"}]
    )
    values = [answer.to_dict()[name.split(":")[1]][0] for name in names]
    assert values[1:-1] == [
        "party",
        1.5,
        ["s", "m"],
        True,
        1_636_848_000_000_000,
        "here",
        None,
        False,
        [0, *[START] * 6, 0, START],
    ]


def test_dead_server_is_reported_in_one_sentence(home):
    feast_repo.render(home, RedisAddress.local(1))
    write_log(home, [click("1", START)])
    transform(home, START)
    feast_repo.apply(home)

    with pytest.raises(RedisError, match="does not answer"):
        feast_repo.materialize(home, START + 1)


def test_an_empty_log_loads_nothing(home, redis_address):
    feast_repo.render(home, redis_address)
    transform(home, START)
    feast_repo.apply(home)

    assert feast_repo.materialize(home, START) == 0
