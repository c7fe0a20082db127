"""Feast's public behaviours, each tested on our online store."""

import pandas as pd
import pytest
from feast import (
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    PushSource,
    RequestSource,
)
from feast.data_source import PushMode
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String

from feature_repo.home import CatalogueError
from feature_repo.views import STORED_AS, TILES
from tests.feature_repo.online.stores import (
    ITEM,
    ITEM_ID,
    NOON,
    SECOND,
    item_key,
    online,
    row,
    store_of,
    view_of,
    write,
)

TYPES = {"n": Int64, "s": String}


def frame(*rows, **columns):
    """Rows (item, n, s), with their times."""
    table = pd.DataFrame(rows, columns=["item_id", "n", "s"])
    return table.assign(event_timestamp=NOON, created=NOON, **columns)


@pytest.fixture
def store(tmp_path, redis_address):
    return store_of(tmp_path, redis_address)


@pytest.fixture
def facts(store, tmp_path):
    """A view with a Parquet file of two items and a push source over it."""
    path = tmp_path / "facts.parquet"
    times = {"coerce_timestamps": "us", "allow_truncated_timestamps": True}
    frame(("a", 1, "x"), ("b", 2, "y")).to_parquet(path, **times)
    batch = FileSource(
        name="facts_file",
        path=str(path),
        timestamp_field="event_timestamp",
        created_timestamp_column="created",
    )
    schema = [ITEM_ID, Field(name="n", dtype=Int64), Field(name="s", dtype=String)]
    push = PushSource(name="facts_push", batch_source=batch)
    view = FeatureView(name="facts", entities=[ITEM], schema=schema, source=push)
    store.apply([ITEM, push, view])
    return store.get_feature_view("facts")


def answer(store, refs, *items, **request):
    rows = [{"item_id": item, **request} for item in items]
    return store.get_online_features(refs, rows).to_dict()


def test_materialize_loads_the_newest_row_of_every_entity(store, facts):
    store.materialize(NOON - SECOND, NOON + SECOND)

    assert answer(store, ["facts:n", "facts:s"], "b", "a")["n"] == [2, 1]


def test_push_is_visible_immediately(store, facts):
    store.push("facts_push", frame(("a", 7, None)).drop(columns="created").assign(created=NOON))

    assert answer(store, ["facts:n", "facts:s"], "a") == {"item_id": ["a"], "n": [7], "s": [None]}


def test_pushed_row_without_event_time_is_skipped_with_a_warning(store, facts, caplog):
    rows = frame(("a", 7, None), ("b", 8, None))
    rows["event_timestamp"] = pd.to_datetime([NOON + SECOND, None], utc=True)

    store.push("facts_push", rows)

    assert answer(store, ["facts:n"], "a", "b")["n"] == [7, None]
    assert "1 of 2 rows of facts not stored: they have no event time" in caplog.messages


def test_a_pushed_row_without_created_time_is_stored(store, facts):
    rows = frame(("a", 7, None)).assign(created=pd.to_datetime([None], utc=True))

    store.push("facts_push", rows)

    assert answer(store, ["facts:n"], "a")["n"] == [7]


def test_a_push_to_both_stores_is_in_both(store, facts):
    later = frame(("c", 9, "z")).assign(event_timestamp=NOON + SECOND)
    store.push("facts_push", later, to=PushMode.ONLINE_AND_OFFLINE)

    requested = pd.DataFrame({"item_id": ["c"], "event_timestamp": [NOON + 2 * SECOND]})
    offline = store.get_historical_features(requested, ["facts:n"]).to_df()
    assert answer(store, ["facts:n"], "c")["n"] == [9]
    assert offline["n"].tolist() == [9]


def test_offline_push_is_not_visible_online(store, facts):
    later = frame(("c", 9, "z")).assign(event_timestamp=NOON + SECOND)
    store.push("facts_push", later, to=PushMode.OFFLINE)

    requested = pd.DataFrame({"item_id": ["c"], "event_timestamp": [NOON + 2 * SECOND]})
    assert store.get_historical_features(requested, ["facts:n"]).to_df()["n"].tolist() == [9]
    assert answer(store, ["facts:n"], "c")["n"] == [None]


def test_writing_rows_to_a_counter_view_is_refused(store):
    counted = view_of({"shown_1d": Int64}, name="item_engagement", tags={STORED_AS: TILES})
    store.apply([ITEM, counted])
    rows = frame(("a", 1, None)).rename(columns={"n": "shown_1d"}).drop(columns="s")

    with pytest.raises(CatalogueError, match="item_engagement is counted from events"):
        store.write_to_online_store("item_engagement", rows)


def test_write_to_online_store_takes_a_frame(store, facts):
    store.write_to_online_store("facts", frame(("a", 3, "w")))

    assert answer(store, ["facts:n", "facts:s"], "a")["s"] == ["w"]


@pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature")
def test_an_on_demand_view_computes_from_stored_and_requested_values(store, facts):
    request = RequestSource(name="request", schema=[Field(name="factor", dtype=Int64)])

    @on_demand_feature_view(
        sources=[facts, request], schema=[Field(name="scaled", dtype=Float64)], mode="pandas"
    )
    def scaled_facts(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"scaled": inputs["n"].astype("float64") * inputs["factor"]})

    store.apply([scaled_facts])
    write(store, facts, row("a", TYPES, {"n": 5}), row("b", TYPES, {"n": 6}))

    result = answer(store, ["facts:n", "scaled_facts:scaled"], "a", "b", factor=10)

    assert result["scaled"] == [50.0, 60.0]
    assert result["n"] == [5, 6]


@pytest.mark.filterwarnings("ignore:On demand feature view is an experimental feature")
def test_a_stored_on_demand_view_is_read_like_any_other(store, facts):
    @on_demand_feature_view(
        sources=[facts],
        entities=[ITEM],
        schema=[Field(name="doubled", dtype=Int64)],
        write_to_online_store=True,
        mode="python",
    )
    def stored(inputs):
        return {"doubled": [2 * value for value in inputs["n"]]}

    store.apply([stored, FeatureService(name="both", features=[facts, stored])])
    written = frame(("a", 1, "x")).drop(columns="created")
    store.write_to_online_store("stored", df=written)
    store.materialize(NOON - SECOND, NOON + SECOND)

    rows = [{"item_id": "a"}, {"item_id": "unknown"}]
    alone = store.get_online_features(["stored:doubled"], rows).to_dict()
    both = store.get_online_features(store.get_feature_service("both"), rows).to_dict()

    assert alone["doubled"] == [2, None]
    assert (both["n"], both["doubled"]) == ([1, None], [2, None])


def test_a_service_projects_and_renames(store, facts):
    service = FeatureService(name="some", features=[facts[["s"]].with_name("told")])
    store.apply([service])
    write(store, facts, row("a", TYPES, {"n": 5, "s": "x"}))

    result = store.get_online_features(
        store.get_feature_service("some"), [{"item_id": "a"}], full_feature_names=True
    ).to_dict()

    assert result == {"item_id": ["a"], "told__s": ["x"]}


def test_join_key_may_be_renamed(store, facts):
    other = facts.with_name("bought").with_join_key_map({"item_id": "bought_id"})
    store.apply([FeatureService(name="pair", features=[facts.with_name("seen"), other])])
    write(store, facts, row("a", TYPES, {"n": 1}), row("b", TYPES, {"n": 2}))

    result = store.get_online_features(
        store.get_feature_service("pair"),
        [{"item_id": "a", "bought_id": "b"}, {"item_id": "b", "bought_id": "nobody"}],
        full_feature_names=True,
    ).to_dict()

    assert result["seen__n"] == [1, 2]
    assert result["bought__n"] == [2, None]


def test_a_view_without_entities_has_one_row(store):
    view = view_of({"n": Int64}, name="everywhere", entities=(), keys=())
    store.apply([view])
    names = store.get_feature_view("everywhere")
    key, values, *times = row("", {"n": Int64}, {"n": 4})
    key.join_keys[0] = "__dummy_id"
    write(store, names, (key, values, *times))

    result = store.get_online_features(["everywhere:n"], [{"any": 1}, {"any": 2}])

    assert result.to_dict() == {"n": [4, 4]}


def test_repeated_entity_is_returned_twice(store, facts):
    write(store, facts, row("a", TYPES, {"n": 5}))

    assert answer(store, ["facts:n"], "a", "b", "a") == {
        "item_id": ["a", "b", "a"],
        "n": [5, None, 5],
    }


def test_full_names_have_the_view(store, facts):
    write(store, facts, row("a", TYPES, {"n": 5}))

    result = store.get_online_features(["facts:n"], [{"item_id": "a"}], full_feature_names=True)

    assert result.to_dict() == {"item_id": ["a"], "facts__n": [5]}


def test_a_request_without_the_entity_is_refused(store, facts):
    with pytest.raises(KeyError, match="item_id"):
        store.get_online_features(["facts:n"], [{"other_id": "a"}])


def test_event_times_are_returned_on_request(store, facts):
    write(store, facts, row("a", TYPES, {"n": 5}))

    result = store.get_online_features(["facts:n"], [{"item_id": "a"}])

    assert result.to_dict(include_event_timestamps=True)["n__ts"] == [int(NOON.timestamp())]


def test_a_precomputed_vector_is_read_back(store, facts):
    online(store).write_precomputed_vector(store.config, "some", "shop", item_key("a"), b"vector")

    result = online(store).read_precomputed_vectors(
        store.config, "some", "shop", [item_key("a"), item_key("b")]
    )

    assert result == [b"vector", None]


def test_vector_search_is_refused(store, facts):
    with pytest.raises(NotImplementedError):
        store.retrieve_online_documents_v2(
            features=["facts:n"], query=[0.5, 0.5], top_k=1, distance_metric="L2"
        )
