"""Our online store answers Feast's calls as stock Feast does, and correctly where it is wrong."""

import asyncio
from datetime import timedelta

import pytest
from feast import Entity, FeatureService, Field, ValueType
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus
from feast.types import (
    Float64,
    Int64,
    String,
)

from feature_repo.online.feast.protobuf_small import MAX_ROWS
from feature_repo.online.feast.store import AisleOnlineStore
from tests.feature_repo.online.stores import (
    AISLE,
    ITEM,
    NOON,
    SECOND,
    config_of,
    item_key,
    online,
    read,
    row,
    store_of,
    vectors,
    view_of,
    write,
)

FACTS = {"n": Int64, "s": String}


@pytest.fixture
def store(tmp_path, redis_address):
    return store_of(tmp_path, redis_address)


@pytest.fixture
def facts(store):
    """The registered view `facts` of a number and a text."""
    store.apply([ITEM, view_of(FACTS)])
    return store.get_feature_view("facts")


def statuses(response):
    return {name: list(vector.statuses) for name, vector in vectors(response).items()}


def test_status_is_present_null_missing_or_expired(store):
    types = {"n": Int64}
    view = view_of(types, ttl=timedelta(days=36500))
    store.apply([ITEM, view])
    view = store.get_feature_view("facts")
    long_ago = NOON.replace(year=1920)
    write(
        store,
        view,
        row("a", types, {"n": 1}),
        row("b", types, {}),
        row("c", types, {"n": 3}, long_ago),
    )

    answer = read(store, view, ["a", "b", "c", "d"])

    assert statuses(answer)["n"] == [
        FieldStatus.PRESENT,
        FieldStatus.NULL_VALUE,
        FieldStatus.OUTSIDE_MAX_AGE,
        FieldStatus.NOT_FOUND,
    ]
    assert answer.to_dict()["n"] == [1, None, None, None]


@pytest.mark.parametrize(
    ("late", "status"), [(0, FieldStatus.PRESENT), (1, FieldStatus.OUTSIDE_MAX_AGE)]
)
def test_ttl_ends_at_the_microsecond(store, monkeypatch, late, status):
    types = {"n": Int64}
    store.apply([ITEM, view_of(types, ttl=timedelta(seconds=10))])
    view = store.get_feature_view("facts")
    write(store, view, row("a", types, {"n": 1}))
    now = int((NOON + 10 * SECOND).timestamp()) * 1_000_000 + late
    monkeypatch.setattr(AisleOnlineStore, "now", lambda self, config: now)

    assert statuses(read(store, view, ["a"]))["n"] == [status]


def test_event_times_are_exact_to_the_microsecond(store, facts):
    exact = NOON + timedelta(microseconds=999_999)
    write(store, facts, row("a", FACTS, {"n": 1}, exact))

    (stamp,) = vectors(read(store, facts, ["a"]))["n"].event_timestamps

    assert stamp.ToMicroseconds() == int(NOON.timestamp()) * 1_000_000 + 999_999


def test_naive_times_are_utc(store, facts):
    write(store, facts, row("a", FACTS, {"n": 1}, NOON.replace(tzinfo=None)))

    (result,) = online(store).online_read(store.config, facts, [item_key("a")])

    assert result[0] == NOON


@pytest.mark.parametrize(
    ("first", "then", "stored"),
    [
        ((0, 0), (1, 0), 2),
        ((1, 0), (0, 9), 1),
        ((0, 0), (0, 1), 2),
        ((0, 1), (0, 0), 1),
        ((0, 0), (0, 0), 2),
    ],
    ids=["newer", "older", "corrected", "before its correction", "repeated"],
)
def test_the_newer_row_wins_by_event_then_created_time(store, facts, first, then, stored):
    for n, (event, created) in enumerate((first, then), start=1):
        times = NOON + event * SECOND, NOON + (event + created) * SECOND
        write(store, facts, row("a", FACTS, {"n": n}, *times))

    assert read(store, facts, ["a"]).to_dict()["n"] == [stored]


def test_newest_row_of_a_batch_wins_at_any_position(store, facts):
    rows = [row("a", FACTS, {"n": n}, NOON + n * SECOND) for n in (3, 9, 1)]
    write(store, facts, *rows)

    assert read(store, facts, ["a"]).to_dict()["n"] == [9]


def test_all_views_of_a_read_take_one_round_trip(store, redis_address):
    views = [view_of({f"n{k}": Int64}, name=f"v{k}") for k in range(3)]
    store.apply([ITEM, *views, FeatureService(name="all", features=views)])
    client = online(store)._get_client(store.config.online_store)
    service = store.get_feature_service("all")
    store.get_online_features(service, [{"item_id": "a"}])
    client.config_resetstat()

    store.get_online_features(service, [{"item_id": item} for item in "abcd"])

    calls = {k: v["calls"] for k, v in client.info("commandstats").items()}
    assert {k: n for k, n in calls.items() if "config" not in k} == {"cmdstat_mget": 1}


def test_async_calls_return_the_same(store, facts):
    rows = [row("a", FACTS, {"n": 1, "s": "x"}), row("b", FACTS, {"n": 2})]
    refs = ["facts:n", "facts:s"]
    items = [{"item_id": item} for item in ("a", "b", "c")]

    async def answer():
        await online(store).online_write_batch_async(store.config, facts, rows, None)
        result = await store.get_online_features_async(refs, items)
        one = await online(store).online_read_async(store.config, facts, [item_key("b")], ["n"])
        await online(store).close()
        return result, one

    for _ in range(2):
        result, one = asyncio.run(answer())

        assert result.to_dict() == store.get_online_features(refs, items).to_dict()
        assert one[0][1]["n"].int64_val == 2


@pytest.mark.parametrize("times", [1, MAX_ROWS + 1], ids=["few rows", "many rows"])
def test_statuses_and_event_times_of_few_and_many_rows(store, facts, times):
    write(store, facts, row("a", FACTS, {"n": 1}, NOON + timedelta(microseconds=1)))

    answer = vectors(read(store, facts, ["a", "b"] * times))

    written, micros = int(NOON.timestamp()) * 1_000_000 + 1, [*range(2)] * times
    assert [*answer["n"].statuses] == [FieldStatus.PRESENT, FieldStatus.NOT_FOUND] * times
    assert [*answer["s"].statuses] == [FieldStatus.NULL_VALUE, FieldStatus.NOT_FOUND] * times
    assert [stamp.ToMicroseconds() for stamp in answer["s"].event_timestamps] == [
        0 if n else written for n in micros
    ]


def test_null_entity_is_missing(store, facts):
    answer = store.get_online_features(
        ["facts:n"], [{"item_id": None}, {"item_id": "a"}, {"item_id": None}]
    )

    assert statuses(answer)["n"] == [FieldStatus.NOT_FOUND] * 3


def test_value_of_another_type_is_refused_before_any_write(store, facts):
    wrong = row("a", {"n": String, "s": String}, {"n": "seven"})

    with pytest.raises(ValueError, match="n: expected INT64, found string_val"):
        write(store, facts, row("b", FACTS, {"n": 1}), wrong)

    assert read(store, facts, ["a", "b"]).to_dict()["n"] == [None, None]


def test_a_changed_schema_reads_as_missing_until_it_is_loaded(store, facts):
    write(store, facts, row("a", FACTS, {"n": 1, "s": "x"}))
    changed = {"n": Float64, "s": String}
    store.apply([view_of(changed)])
    view = store.get_feature_view("facts")

    assert statuses(read(store, view, ["a"]))["n"] == [FieldStatus.NOT_FOUND]

    write(store, view, row("a", changed, {"n": 0.5}, NOON - SECOND))

    assert read(store, view, ["a"]).to_dict()["n"] == [0.5]


def test_rows_expire_after_the_seconds_of_their_view(tmp_path, redis_address):
    store = store_of(tmp_path, redis_address, key_ttl_seconds=500)
    views = view_of({"n": Int64}, name="short", tags={"key_ttl_seconds": "50"}), view_of(FACTS)
    store.apply([ITEM, *views])
    for name in ("short", "facts"):
        view = store.get_feature_view(name)
        write(store, view, row("a", {f.name: f.dtype for f in view.features}, {"n": 1}))
    client = online(store)._get_client(store.config.online_store)

    left = sorted(client.ttl(key) for key in client.scan_iter("r*"))

    assert 0 < left[0] <= 50 < left[1] <= 500


def test_composite_entity_is_read_by_all_its_keys(store):
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    keys = (Field(name="item_id", dtype=String), Field(name="user_id", dtype=Int64))
    store.apply([ITEM, user, view_of({"n": Int64}, entities=(ITEM, user), keys=keys)])
    view = store.get_feature_view("facts")
    key, values, *times = row("a", {"n": Int64}, {"n": 5})
    key.join_keys.append("user_id")
    key.entity_values.add(int64_val=7)
    write(store, view, (key, values, *times))

    answer = store.get_online_features(
        ["facts:n"], [{"user_id": 7, "item_id": "a"}, {"user_id": 8, "item_id": "a"}]
    )

    assert answer.to_dict()["n"] == [5, None]


def test_teardown_deletes_rows_of_this_project_only(tmp_path, redis_address):
    stores = [store_of(tmp_path, redis_address, project=p) for p in ("shop", "myshop", "shop2")]
    for store in stores:
        store.apply([ITEM, view_of(FACTS)])
        write(store, store.get_feature_view("facts"), row("a", FACTS, {"n": 1}))
    views = stores[0].list_feature_views()

    online(stores[0]).teardown(stores[0].config, views, [])

    result = [read(s, s.get_feature_view("facts"), ["a"]).to_dict()["n"] for s in stores]
    assert result == [[None], [1], [1]]


def test_view_removed_from_the_registry_loses_only_its_rows(store, facts):
    store.apply([view_of(FACTS, name="facts2")])
    other = store.get_feature_view("facts2")
    for view in (facts, other):
        write(store, view, row("a", FACTS, {"n": 1}))

    store.apply([], objects_to_delete=[facts], partial=False)

    assert online(store).online_read(store.config, facts, [item_key("a")]) == [(None, None)]
    assert read(store, other, ["a"]).to_dict()["n"] == [1]


@pytest.mark.parametrize("skip", [False, True])
def test_an_older_row_replaces_no_newer_one_whatever_skip_dedup_says(tmp_path, redis_address, skip):
    store = store_of(tmp_path, redis_address, skip_dedup=skip)
    store.apply([ITEM, view_of(FACTS)])
    view = store.get_feature_view("facts")

    write(store, view, row("a", FACTS, {"n": 2}), row("a", FACTS, {"n": 1}, NOON - SECOND))
    write(store, view, row("a", FACTS, {"n": 0}, NOON - SECOND))

    assert read(store, view, ["a"]).to_dict()["n"] == [2]


@pytest.mark.parametrize("full_scan", [False, True])
def test_a_deleted_view_loses_its_rows_unless_full_scan_for_deletion_is_off(
    tmp_path, redis_address, full_scan
):
    store = store_of(tmp_path, redis_address, full_scan_for_deletion=full_scan)
    store.apply([ITEM, view_of(FACTS), view_of(FACTS, name="facts2")])
    views = [store.get_feature_view(name) for name in ("facts", "facts2")]
    for view in views:
        write(store, view, row("a", FACTS, {"n": 1}), row("b", FACTS, {"n": 2}))

    store.apply([], objects_to_delete=[views[0]], partial=False)

    rows = online(store).online_read(store.config, views[0], [item_key("a"), item_key("b")])
    assert [values is None for _, values in rows] == [full_scan] * 2
    assert read(store, views[1], ["a", "b"]).to_dict()["n"] == [1, 2]


def test_the_configuration_names_our_store(tmp_path, redis_address):
    config = config_of(tmp_path, redis_address, AISLE)

    assert config.online_store.type == AISLE
    assert isinstance(online(store_of(tmp_path, redis_address)), AisleOnlineStore)
