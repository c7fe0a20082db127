"""Staging and attributes: the shop's fields, from the log to rows."""

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import ItemEvent, RankingEvent, ShownItem, UserEvent
from feature_repo.home import DAY
from feature_repo.shop import Shop, typed_value
from feature_repo.shop.limits import LONGEST_TEXT
from feature_repo.transformations import staged_log, transform
from feature_repo.transformations.staged_log import define_values
from feature_repo.views import all_views, views_of
from tests.feature_repo.histories import START, Rows, write_log, write_shop
from tests.feature_repo.shops import ALL, ODD
from tests.scale import examples

TYPES = ("number", "text", "category", "list", "vector", "time", "bool")


def item(event_id, at, fields=None, op="upsert", item_id="i"):
    return ItemEvent(event_id=event_id, event_time=at, item_id=item_id, op=op, fields=fields or {})


def attributes(home, events):
    write_log(home, events)
    transform(home, START)
    return Rows(home.features / "item_attributes", "item_id")


def test_upserts_merge_by_field_and_null_removes_a_field(home):
    rows = attributes(
        home,
        [
            item("1", START, {"category": "hats", "price": 5.0}),
            item("2", START + 1, {"price": 6.0}),
            item("3", START + 2, {"category": None}),
        ],
    )

    values = [(r["category"], r["price"]) for r in (rows.at("i", START + k) for k in (1, 2, 3))]

    assert values == [("hats", 5.0), ("hats", 6.0), (None, 6.0)]


def test_delete_hides_until_the_next_upsert_and_preserves_the_fields(home):
    rows = attributes(
        home,
        [
            item("1", START, {"price": 5.0}),
            item("2", START + 1, {"price": 9.0}, op="delete"),
            item("3", START + 2, {"category": "hats"}),
        ],
    )

    states = [rows.at("i", START + k) for k in (1, 2, 3)]

    assert [row["is_deleted"] for row in states] == [False, True, False]
    assert [row["price"] for row in states] == [5.0, 5.0, 5.0]


def test_events_of_one_microsecond_make_one_row_in_the_order_of_their_ids(home):
    rows = attributes(
        home, [item("b", START, {"price": 2.0}), item("a", START, {"price": 1.0, "brand": "x"})]
    )

    assert len(rows) == 1
    assert (rows.at("i", START + 1)["price"], rows.at("i", START + 1)["brand"]) == (2.0, "x")


def test_hostile_field_names_reach_their_columns(home):
    write_shop(home, ODD)
    names = {field.column: field.name for field in Shop.load(home.shop_toml).item_fields}
    values = ["title", "party", 1.5, ["s", "m"], True, "2021-11-14", "here", "then"]

    rows = attributes(home, [item("1", START, dict(zip(names.values(), values, strict=True)))])

    row = rows.at("i", START + 1)
    assert [row[column] for column in names] == [
        *("title", "party", 1.5, ["s", "m"], True),
        typed_value("2021-11-14", "time"),
        *("here", "then"),
    ]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("number", "cheap"),
        ("number", True),
        ("number", ["1"]),
        ("text", ["a"]),
        ("category", 1 / 3),
        ("list", True),
        ("time", "yesterday"),
        ("time", 1e300),
        ("bool", 1),
    ],
)
def test_a_value_that_contradicts_its_type_is_missing(home, type_, value):
    write_shop(home, f'[[item]]\nname = "f"\ntype = "{type_}"\n')

    rows = attributes(home, [item("1", START, {"f": value})])

    assert rows.at("i", START + 1)["f"] is None


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**6), 10**6).map(lambda n: n / 1000)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    | st.sampled_from(["12", " 1.5e3 ", "1e400", "TRUE", "2021-11-14T16:25Z", "2021-02-30", "+.5"])
    | st.sampled_from(["é" * 9000, "😀" * 9000, "e\u0301" * 5000, " " * 300])
    | st.sampled_from([["long" * 90] * 300, [1.5] * 5000])
    | st.datetimes().map(lambda moment: moment.isoformat()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=2),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def read_in_sql():
    with duckdb.connect() as db:
        db.execute("set TimeZone = 'UTC'")
        define_values(db)

        def read(value, type_):
            reader = "text" if type_ == "category" else type_
            text = msgspec.json.encode(value).decode()
            return db.execute(f"select as_{reader}(?::json)", [text]).fetchall()[0][0]

        yield read


@settings(max_examples=examples(150), deadline=None)
@given(value=VALUES, type_=st.sampled_from(TYPES))
def test_sql_and_python_read_every_value_the_same(read_in_sql, value, type_):
    logged = float(value) if type(value) is int and abs(value) >= 2**53 else value

    assert read_in_sql(logged, type_) == typed_value(logged, type_)


@pytest.mark.parametrize("shop", ALL)
def test_an_empty_log_makes_typed_empty_files_for_every_view(home, shop):
    write_shop(home, ALL[shop])

    report = transform(home, START)

    views = [spec.name for spec in views_of(Shop.load(home.shop_toml))]
    assert set(report.views) == set(views)
    for view in views:
        schema = pq.read_schema(next((home.features / view).glob("*.parquet")))
        assert str(schema.field("event_timestamp").type) == "timestamp[us, tz=UTC]"
        assert str(schema.field("created_timestamp").type) == "timestamp[us, tz=UTC]"


def slates(n):
    return [
        RankingEvent(
            event_id=str(k),
            event_time=START + k * DAY,
            request_id=str(k),
            user_id=f"u{k % 3}",
            items=(ShownItem("a"), ShownItem("b")),
        )
        for k in range(n)
    ]


def files(home):
    return {p: p.read_bytes() for p in home.features.rglob("*.parquet")}


def test_unchanged_inputs_are_not_transformed_again(home):
    write_log(home, slates(3))

    first, second = transform(home, START), transform(home, START + DAY)

    assert (first.skipped, second.skipped) == (False, True)


def test_new_events_another_shop_and_a_lost_file_are_each_transformed(home):
    write_log(home, slates(3))
    transform(home, START)

    write_log(home, slates(4))
    assert not transform(home, START).skipped
    write_shop(home, ODD)
    assert not transform(home, START).skipped
    (home.features / "user_recent" / "rows.parquet").unlink()
    assert not transform(home, START).skipped


def test_the_same_inputs_give_the_same_bytes(home):
    write_log(home, slates(5))
    transform(home, START)
    before = files(home)
    (home.features / "state").unlink()

    transform(home, START)

    assert files(home) == before


def test_rows_are_sorted_by_key_and_time(home):
    write_log(home, slates(9))
    transform(home, START)

    table = pq.read_table(home.features / "user_engagement" / "rows.parquet")

    keys = list(
        zip(table["user_id"].to_pylist(), table["event_timestamp"].to_pylist(), strict=True)
    )
    assert keys == sorted(keys)
    assert len(keys) == len(set(keys)) > 3


def test_files_written_before_a_column_existed_are_read(home):
    users = [
        UserEvent(event_id=f"u{n}", event_time=START + n * DAY, user_id="u", fields={"age": n})
        for n in (1, 2)
    ]
    link = UserEvent(
        event_id="l", event_time=START + 3 * DAY, user_id="v", op="link", session_id="s"
    )
    write_log(home, [*users, link])
    for path in sorted((home.log / "compacted" / "user").rglob("*.parquet"))[:2]:
        pq.write_table(pq.read_table(path).drop(["session_id", "from_user_id"]), path)

    transform(home, START)

    rows = Rows(home.features / "user_first_seen", "user_id")
    assert rows.at("u", START + 9 * DAY)["first_seen_at"] == START + DAY
    assert rows.at("v", START + 9 * DAY) is None


def test_progress_names_each_view(home):
    lines = []

    transform(home, START, lines.append)

    assert all(any(spec.name in line for line in lines) for spec in all_views())


def test_a_home_with_huge_texts_is_computed_in_bounded_memory(home, monkeypatch):
    """Such events are refused today, but old logs have them."""
    monkeypatch.setattr(staged_log, "MEMORY_LIMIT", "700MB")
    huge = [
        item(f"e{n}", START + n, {"title": "x" * 900_000, "price": 3.0}, item_id=f"i{n}")
        for n in range(40)
    ]

    rows = attributes(home, huge)

    assert rows.at("i7", START + 8)["title"] == "x" * LONGEST_TEXT
    assert rows.at("i7", START + 8)["price"] == 3.0
