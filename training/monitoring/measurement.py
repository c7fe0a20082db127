"""Measure the quality of data and answers from the log, in DuckDB, at any instants.

Each figure at an instant uses only events and rows that were seen up to it, so that the figures of
a past hour can be measured again, and alerts tried on a recorded log.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

import duckdb

from feature_repo.events.contract import ARROW_SCHEMAS
from feature_repo.events.log import list_relations
from feature_repo.home import DAY, Home, to_text
from feature_repo.shop import Shop
from feature_repo.transformations import define_values
from feature_repo.views import field_pointer, quoted_name, quoted_text, views_of
from training.monitoring.metric import QualityMetric, Sample
from training.monitoring.metrics import CATALOGUE_PSI, OF_THE_LOG

SQL = Path(__file__).parent / "sql"

BOT_EVENTS = 100
"""Rankings and interactions of a visitor in an hour from which on it has bots' pace."""

_HISTORY = 8 * DAY
"""The longest window, and a day."""

_MEMORY_LIMIT = "1GB"
_KINDS = ("item", "ranking", "interaction", "served")


def measure_log(
    home: Home, instants: Sequence[int], metrics: Sequence[QualityMetric] = OF_THE_LOG
) -> list[Sample]:
    """Measure metrics of the compacted log and the feature rows of a home.

    Args:
        home: of a shop.
        instants: µs; at least one.
        metrics: of the log.

    Returns:
        The samples of each metric by instant; none where a metric has too few events.
    """
    shop = Shop.load(home.shop_toml)
    with duckdb.connect(":memory:") as db:
        _open(db, home, shop, instants)
        return [sample for metric in metrics for sample in _samples(db, shop, metric)]


def _samples(db: duckdb.DuckDBPyConnection, shop: Shop, metric: QualityMetric) -> Iterator[Sample]:
    fields = shop.items_of("number")
    if metric == CATALOGUE_PSI:
        fields = tuple(field for field in fields if field.role in ("price", "list_price"))
    if "field" in metric.labels and not fields:
        return
    parameters = {
        "bot_events": str(BOT_EVENTS),
        "pointers": _listed(map(field_pointer, fields)),
        "names": _listed(quoted_text(field.name) for field in fields),
        "columns": ", ".join(map(quoted_name, fields)),
    }
    text = (SQL / f"{metric.name}.sql").read_text(encoding="utf-8")
    labels = ", ".join(f'"{label}"' for label in metric.labels)
    columns = f"instant, [{labels}]::varchar[] as labels, value"
    sql = f"select {columns} from ({Template(text).substitute(parameters)}) order by 1, 2"
    for at, values, value in db.execute(sql).fetchall():
        yield Sample(at, metric.name, tuple(values), float(value))


def _open(db: duckdb.DuckDBPyConnection, home: Home, shop: Shop, instants: Sequence[int]) -> None:
    db.execute("set TimeZone = 'UTC'")
    db.execute("set enable_progress_bar = false")
    db.execute(f"set memory_limit = '{_MEMORY_LIMIT}'")
    define_values(db)
    db.execute("create temp table instants as select unnest(?::bigint[]) as instant", [[*instants]])
    first_day = to_text(min(instants) - _HISTORY)[:10]
    for kind in _KINDS:
        files = list_relations(home.log / "compacted", kind)
        _create(db, f"log_{kind}", kind, [f for f in files if f.parent.name >= f"day={first_day}"])
    _create_rows(db, home, shop, min(instants) - _HISTORY)
    text = (SQL / "log.sql").read_text(encoding="utf-8")
    db.execute(Template(text).substitute(bot_events=BOT_EVENTS))


def _create(db: duckdb.DuckDBPyConnection, view: str, kind: str, files: Sequence[Path]) -> None:
    """Create a view of the events of a kind, empty without files."""
    db.register(f"columns_{kind}", ARROW_SCHEMAS[kind].empty_table())
    rows = f"from columns_{kind}"
    if files:
        paths = [str(path) for path in files]
        db.read_parquet(paths, hive_partitioning=False, union_by_name=True).create_view(
            f"files_{kind}"
        )
        rows += f" union all by name from files_{kind}"
    db.execute(f"create view {view} as {rows}")


def _create_rows(db: duckdb.DuckDBPyConnection, home: Home, shop: Shop, since: int) -> None:
    """Create tables of the rows of items, and of the instants of all views' rows."""
    db.execute("create temp table view_rows (view varchar, is_live boolean, seen_us bigint)")
    columns = "".join(f', "{field.column}" double' for field in shop.items_of("number"))
    item_columns = f"item_id varchar, seen_us bigint, is_deleted boolean{columns}"
    db.execute(f"create temp table item_rows ({item_columns})")
    for spec in views_of(shop):
        files = [str(path) for path in sorted((home.features / spec.name).glob("*.parquet"))]
        if not files:
            continue
        db.execute(
            "insert into view_rows select ?, ?, epoch_us(created_timestamp) from "
            "read_parquet(?, union_by_name := true) where epoch_us(created_timestamp) > ?",
            [spec.name, spec.live is not None, files, since],
        )
        if spec.name == "item_attributes":
            names = "".join(f', "{field.column}"' for field in shop.items_of("number"))
            db.execute(
                "insert into item_rows select item_id, epoch_us(created_timestamp), is_deleted"
                f"{names} from read_parquet(?, union_by_name := true)",
                [files],
            )


def _listed(texts: Iterator[str]) -> str:
    return f"[{', '.join(texts)}]::varchar[]"
