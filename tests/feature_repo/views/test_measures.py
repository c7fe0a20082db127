"""A windowed count is a line of the catalogue and a line of its SQL file; neither is forgotten."""

from dataclasses import replace

import duckdb
import pytest

from feature_repo.events.contract import InteractionEvent
from feature_repo.home import DAY, CatalogueError
from feature_repo.online.live import commands
from feature_repo.transformations import SQL, run, transform
from feature_repo.views import COUNTER_VIEWS, Measure, counters, minor_units
from tests.feature_repo.histories import START, Rows, write_log

WISHES = Measure("Times an item was put on a list", ("wish",))
ITEMS = COUNTER_VIEWS[0]


@pytest.fixture
def declared(monkeypatch):
    """The line of the catalogue."""
    view = replace(ITEMS, measures={**ITEMS.measures, "wishes": WISHES})
    monkeypatch.setattr(run, "COUNTER_VIEWS", (view,))
    monkeypatch.setitem(run._COUNTERS, view.name, view)
    monkeypatch.setattr(commands, "COUNTER_VIEWS", (view,))
    return view


@pytest.fixture
def computed(monkeypatch, tmp_path):
    """The line of the SQL file."""
    folder = tmp_path / "sql"
    for path in SQL.rglob("*.sql"):
        copy = folder / path.relative_to(SQL)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    file = folder / "features" / "item_engagement.sql"
    line = "    if(type = 'view', sign, 0) as views,\n"
    more = "    if(type = 'wish', sign, 0) as wishes,\n"
    text = file.read_text().replace(line, line + more)
    file.write_text(text.replace("or type = 'view'", "or type in ('view', 'wish')"))
    monkeypatch.setattr(run, "SQL", folder)


def wish(**more):
    return InteractionEvent(
        event_id="w", event_time=START, received_at=START, item_id="i", type="wish", **more
    )


def test_both_lines_make_a_count_in_batch_and_live(home, declared, computed):
    write_log(home, [wish()])

    transform(home, START)

    row = Rows(home.features / "item_engagement", "item_id").at("i", START + DAY)
    assert (row["wishes_1d"], row["wishes_7d"], row["wishes_all"]) == (0, 1, 1)
    (live,) = commands.interaction_call(wish(), {}, None)["counts"]
    assert live == {"view": "item_engagement", "entity": "item", "deltas": (*[0] * 7, 1)}


def test_without_the_line_of_the_sql_file_the_transform_names_it(home, declared):
    write_log(home, [wish()])

    with pytest.raises(CatalogueError, match=r"item_engagement\.sql: expected a column 'wishes'"):
        transform(home, START)


def columns_of(home, view):
    """The measures that the SQL of a view gives."""
    write_log(home, [wish()])
    with run.staged(home, home.features / ".spill") as db:
        sql = (run.SQL / "features" / f"{view.name}.sql").read_text()
        columns = {column[0] for column in db.execute(sql).description}
    return columns - {view.key, "seen_at", "bucket", "part"}


def test_without_the_line_of_the_catalogue_the_transform_names_it(home, computed):
    write_log(home, [wish()])

    with pytest.raises(CatalogueError, match=r"expected a measure 'wishes' in .*counters.py"):
        transform(home, START)


@pytest.mark.parametrize("view", COUNTER_VIEWS, ids=lambda view: view.name)
def test_the_sql_of_a_view_gives_its_measures_and_no_other(home, view):
    assert columns_of(home, view) == set(view.measures)


@pytest.mark.parametrize(
    ("value", "minor"),
    [(None, 0), (19.9, 1990), (0.005, 0), (0.015, 2), (-3.0, -300), (1e10, 0), (1e300, 0)],
)
def test_money_is_counted_in_whole_minor_units(value, minor):
    with duckdb.connect() as db:
        for name in ("LARGEST_AMOUNT", "MINOR_UNITS"):
            db.execute(f"set variable {name.lower()} = ?", [getattr(counters, name)])
        db.execute((SQL / "values.sql").read_text())
        (by_sql,) = db.execute("select coalesce(minor_units(?::double), 0)", [value]).fetchone()

    assert minor_units(value) == by_sql == minor
