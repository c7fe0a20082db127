"""Batch SQL, the point-in-time join and the live path compute the values of each case."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from feature_repo.catalogue import Catalogue
from feature_repo.events.ingest import validate
from feature_repo.events.log import encode_event
from feature_repo.feast_repo import repository
from feature_repo.home import DAY, Clock, Home, parse_instant
from feature_repo.request_features import RequestContext, feature_columns, feature_matrix
from feature_repo.request_features.context import shopper, with_overrides
from feature_repo.request_features.families.slate import distance_to_median
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from tests.conformance.cases import FILES, SHOP, all_cases
from tests.feature_repo.histories import Rows, write_shop
from tests.feature_repo.online.conftest import Room, SetClock
from training.dataset import (
    TEST,
    TRAIN,
    VALIDATE,
    Gains,
    LazyDataset,
    build_dataset,
    historical_features,
    labelled_rankings,
)

DATA = Path(os.environ.get("AISLE_DATA", "../shared/data"))
SPLITS = (TRAIN, VALIDATE, TEST)

NOW = parse_instant("2024-10-04T10:00:00Z")
MIDNIGHT = NOW // DAY * DAY
ALL = all_cases()


@pytest.fixture(scope="module")
def room(tmp_path_factory, shared_redis):
    """A shop with all cases; earlier days are loaded."""
    home = Home(tmp_path_factory.mktemp("conformance") / "home")
    write_shop(home, SHOP)
    repository.render(home, shared_redis)
    room = Room(home, Shop.load(home.shop_toml), shared_redis, SetClock(instant=MIDNIGHT - 1))
    room.client.flushall()
    events = [event for case in ALL for event in case.events]
    room.take(*(event for event in events if event.seen_at < MIDNIGHT))
    room.clock.instant = MIDNIGHT + 1
    load(room)
    yield room
    room.client.close()


def load(room):
    sealed_at = room.log.seal()
    room.log.compact()
    transform(room.home, room.clock.now())
    repository.apply(room.home)
    repository.materialize(room.home, room.clock.now())
    room.writer.prune(room.log.seals().part_of(sealed_at))


def request_of(case):
    return {name: value for name, value in case.request.items() if name not in ("fields",)}


@pytest.fixture(scope="module")
def live(room):
    """The contexts read from Redis, by case; today's events are sent as the day goes by."""
    events = [e for case in ALL for e in case.events if e.seen_at >= MIDNIGHT]
    contexts = {}
    for case in sorted(ALL, key=lambda case: case.request["t"]):
        room.clock.instant = case.request["t"]
        room.take(*(event for event in events if event.seen_at < room.clock.instant))
        events = [event for event in events if event.seen_at >= room.clock.instant]
        arguments = {n: v for n, v in request_of(case).items() if n != "request_id"}
        contexts[case.id] = room.reader.read(**arguments)
    room.clock.instant = NOW
    return contexts


@pytest.fixture(scope="module")
def transformed(room, live):
    """The home after a transform of all live events."""
    room.log.seal()
    room.log.compact()
    transform(room.home, NOW)
    return room.home


@pytest.fixture(scope="module")
def batch(transformed):
    """The contexts of the newest rows, by case."""
    shop = Shop.load(transformed.shop_toml)
    views = {
        view.name: (view, Rows(transformed.features / view.name, view.join_keys[0]))
        for view in Catalogue.of(transformed).views
    }
    return {case.id: context_of_rows(views, case, shop) for case in ALL}


def context_of_rows(views, case, shop):
    def values_of(entity, key):
        values = {}
        for name, (view, rows) in views.items():
            if view.entities == [entity]:
                row = rows.at(key, case.request["t"]) if key is not None else None
                values |= {f"{name}__{f.name}": row and row[f.name] for f in view.features}
                values[f"{name}__present"] = row is not None
        return values

    items = [values_of("item", item) for item in case.request["item_ids"]]
    return RequestContext(
        t=case.request["t"],
        query=case.request["query"],
        utc_offset_minutes=case.request["utc_offset_minutes"],
        user=shopper(
            values_of("user", case.request["user_id"]),
            values_of("session", case.request["session_id"]),
            is_named=case.request["user_id"] is not None,
            t=case.request["t"],
            shop=shop,
        ),
        query_row=values_of("query", case.request["query_key"]),
        market_row=values_of("market", case.request["market"]),
        item_ids=case.request["item_ids"],
        items={name: [item[name] for item in items] for name in items[0]},
    )


@pytest.fixture(scope="module")
def joined(transformed):
    """The contexts of Feast's historical join, by case."""
    rows = pa.Table.from_pylist(
        [
            {**request_of(case), "qid": n, "item_id": item}
            for n, case in enumerate(ALL)
            for item in case.request["item_ids"]
        ]
    )
    instants = rows["t"].cast(pa.timestamp("us", tz="UTC"))
    rows = rows.set_column(rows.column_names.index("t"), "t", instants)
    contexts = historical_features(transformed, rows.drop_columns(["item_ids"]))
    return {case.id: one for case, one in zip(ALL, contexts, strict=True)}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
@pytest.mark.parametrize("engine", ["live", "batch", "joined"])
def test_every_engine_computes_the_expected_values(case, engine, room, request):
    context = with_overrides(
        request.getfixturevalue(engine)[case.id], case.request["fields"], room.shop
    )
    matrix = feature_matrix(context, room.shop, case.prior)
    columns = feature_columns(room.shop)

    for name, expected in case.expect.items():
        if name in columns:
            values = matrix[:, columns.index(name)]
        else:
            stored = context.items[name] if name in context.items else [context.query_row[name]]
            values = np.array([*stored], dtype=np.float32)
        expected_values = np.broadcast_to(np.array(expected, dtype=np.float32), values.shape)
        np.testing.assert_allclose(values, expected_values, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_every_engine_gives_the_same_bits(case, live, batch, joined, room):
    live_matrix, *others = (
        feature_matrix(context[case.id], room.shop, case.prior) for context in (live, batch, joined)
    )

    for matrix in others:
        np.testing.assert_array_equal(matrix, live_matrix)


@pytest.mark.parametrize("case", [c for c in ALL if c.to_first], ids=lambda case: case.id)
@pytest.mark.parametrize("engine", ["live", "batch", "joined"])
def test_every_engine_gives_the_distance_to_the_first_few(case, engine, request):
    context = request.getfixturevalue(engine)[case.id]

    distances = distance_to_median(
        context.item_numbers("item_attributes__price"), first=case.to_first["few"]
    )

    assert distances.tolist() == case.to_first["distances"]


@pytest.mark.parametrize("days", sorted({c.horizon_days for c in ALL}, key=str))
def test_labels_of_each_slate(transformed, days):
    gains = {}
    for row in labelled_rankings(transformed, Gains(horizon_days=days)).to_pylist():
        gains.setdefault(row["request_id"], []).append(row["gain"])

    labels = [case.labels for case in ALL if case.labels and case.horizon_days == days]
    expected = {request: gain for of_case in labels for request, gain in of_case.items()}
    assert expected
    assert {request: gains[request] for request in expected} == expected


@pytest.mark.parametrize("days", sorted({c.horizon_days for c in ALL if c.train}, key=str))
def test_slate_without_a_click_is_evaluated_but_not_trained_on(transformed, tmp_path, days):
    build_dataset(transformed, tmp_path / "rows.parquet", gains=Gains(horizon_days=days))
    data = LazyDataset.open(tmp_path / "rows.parquet").part(*SPLITS)

    evaluated, trained = (
        set(rows.column("request_id").tolist()) for rows in (data, data.with_gain())
    )

    expected = [case.train for case in ALL if case.train and case.horizon_days == days]
    for request, is_train in (pair for of_case in expected for pair in of_case.items()):
        assert request in evaluated
        assert (request in trained) == is_train


@pytest.mark.parametrize("case", [c for c in ALL if c.warnings], ids=lambda case: case.id)
def test_dry_run_reports_the_expected_warnings(case, tmp_path):
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"".join(encode_event(event) + b"\n" for event in case.events))

    report = validate([file], clock=SetClock(instant=NOW)).to_dict()

    assert {name: report[name] for name in case.warnings} == case.warnings


@pytest.mark.parametrize("file", FILES, ids=lambda file: file["path"])
def test_dry_run_of_a_file_has_the_expected_report(file):
    path = DATA / file["path"]
    if not path.exists():
        pytest.skip(f"{path} is missing; see AISLE_DATA")

    report = validate([path], clock=Clock()).to_dict()

    assert report | {"unknown_items": {}} == report | file["report"] | {"unknown_items": {}}
    assert report["unknown_items"].items() >= file["report"]["unknown_items"].items()


def test_no_feature_column_is_a_position(room):
    assert not [name for name in feature_columns(room.shop) if "position" in name]
