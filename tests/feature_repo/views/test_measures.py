"""A windowed count needs a line in its declaration and one in its SQL file."""

from dataclasses import replace

import duckdb
import pytest

from feature_repo.events.contract import InteractionEvent
from feature_repo.home import DAY, CatalogueError
from feature_repo.online.live import commands
from feature_repo.shop import Shop
from feature_repo.transformations import row_sql, staged, transform
from feature_repo.transformations.staged_log import define_values
from feature_repo.views import COUNTER_VIEWS, Measure, counters, minor_units, registry
from tests.feature_repo.histories import START, Rows, write_log

WISHES = Measure("Times an item was put on a list", ("wish",))
ITEMS = COUNTER_VIEWS[0]
CACHED = (registry.all_views, registry.views_of, registry.counter_views)


@pytest.fixture
def declared(monkeypatch):
    """The line of the declaration."""
    return installed(monkeypatch, replace(ITEMS, measures={**ITEMS.measures, "wishes": WISHES}))


@pytest.fixture
def computed(monkeypatch, tmp_path):
    """The line of the SQL file."""
    file = tmp_path / ITEMS.sql_file.name
    line = "    if(type = 'view', sign, 0) as views,\n"
    more = "    if(type = 'wish', sign, 0) as wishes,\n"
    text = ITEMS.sql_file.read_text().replace(line, line + more)
    file.write_text(text.replace("or type = 'view'", "or type in ('view', 'wish')"))
    (view,) = [spec for spec in registry.all_views() if spec.name == ITEMS.name]
    installed(monkeypatch, replace(view, sql=file))


def installed(monkeypatch, view):
    """Replace the built-in view of the same name."""
    views = [view if spec.name == view.name else spec for spec in registry.all_views()]
    for function in CACHED:
        function.cache_clear()
    monkeypatch.setattr(registry, "BUILT_IN", tuple(views))
    return view


@pytest.fixture(autouse=True)
def restored():
    """Clear the cached views after each test."""
    yield
    for function in CACHED:
        function.cache_clear()


def wish(**more):
    return InteractionEvent(
        event_id="w", event_time=START, received_at=START, item_id="i", type="wish", **more
    )


def test_two_lines_make_a_count_in_batch_and_live(home, declared, computed):
    write_log(home, [wish()])

    transform(home, START)

    row = Rows(home.features / "item_engagement", "item_id").at("i", START + DAY)
    assert (row["wishes_1d"], row["wishes_7d"], row["wishes_all"]) == (0, 1, 1)
    (live,) = commands.interaction_call(wish(), {})["counts"]
    assert (live["view"], live["entity"]) == ("item_engagement", "item")
    assert live["deltas"] == (*[0] * 7, 1)


def test_transform_names_a_measure_without_a_column(home, declared):
    write_log(home, [wish()])

    with pytest.raises(CatalogueError, match=r"item_engagement\.sql: expected a column 'wishes'"):
        transform(home, START)


def columns_of(home, view):
    """The measures that the SQL of a view returns."""
    write_log(home, [wish()])
    with staged(home, home.features / ".spill") as db:
        sql = row_sql(view, Shop.load(home.shop_toml))
        columns = {column[0] for column in db.execute(sql).description}
    return columns - {view.key, "seen_at", "bucket", "part"}


def test_transform_names_a_column_without_a_declared_measure(home, computed):
    write_log(home, [wish()])

    with pytest.raises(CatalogueError, match=r"'item_engagement': expected a measure 'wishes'"):
        transform(home, START)


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("selekt item_id", "Parser Error"),
        ("select item_id, nosuch from stg_interactions", "Binder Error"),
        (
            "select item_id, seen_at, part, 1 as wishes from stg_interactions",
            "Binder Error(.|\n)*bucket",
        ),
        (
            "select item_id, seen_at, bucket, part, type::int as wishes from stg_interactions",
            "Conversion Error",
        ),
    ],
    ids=["syntax", "unknown column", "missing column", "wrong type"],
)
def test_transform_names_a_view_whose_sql_fails(home, monkeypatch, tmp_path, sql, error):
    file = tmp_path / "wishes.sql"
    file.write_text(sql)
    installed(monkeypatch, replace(ITEMS, measures={"wishes": WISHES}, sql=file))
    write_log(home, [wish()])
    expected = r"wishes\.sql: expected columns item_id \(entity key\), seen_at, bucket, part and "

    with pytest.raises(CatalogueError, match=f"View 'item_engagement': {expected}(.|\n)*{error}"):
        transform(home, START)


@pytest.mark.parametrize("view", COUNTER_VIEWS, ids=lambda view: view.name)
def test_sql_columns_equal_the_measures(home, view):
    assert columns_of(home, view) == set(view.measures)


@pytest.mark.parametrize(
    ("value", "minor"),
    [(None, 0), (19.9, 1990), (0.005, 0), (0.015, 2), (-3.0, -300), (1e10, 0), (1e300, 0)],
)
def test_money_is_counted_in_whole_minor_units(value, minor):
    with duckdb.connect() as db:
        for name in ("LARGEST_AMOUNT", "MINOR_UNITS"):
            db.execute(f"set variable {name.lower()} = ?", [getattr(counters, name)])
        define_values(db)
        (by_sql,) = db.execute("select coalesce(minor_units(?::double), 0)", [value]).fetchone()

    assert minor_units(value) == by_sql == minor
