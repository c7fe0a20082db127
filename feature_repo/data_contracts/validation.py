"""Check the data contracts of a home in DuckDB; nothing is written.

Rows are checked that were seen after the last run of the features, and at least those of the last
day of the log; history is the 28 days before that last day.  A log without features is checked
from its first event.
"""

import itertools
from collections.abc import Iterator
from string import Template

import duckdb

from feature_repo.data_contracts.expectation import SQL, Expectation
from feature_repo.data_contracts.kinds import kind_expectations
from feature_repo.data_contracts.report import Check, ContractReport, Day
from feature_repo.data_contracts.views import view_expectations
from feature_repo.events.log import list_relations
from feature_repo.home import DAY, Home, ShopError, did_you_mean
from feature_repo.shop import Shop
from feature_repo.transformations import LogSlice, State, define_values
from feature_repo.views import field_pointer, views_of

_EXAMPLES = 5
"""Rows of a violation that the report names."""

_MEMORY_LIMIT = "2GB"

_GROUPED = """
select
    coalesce(market, 'default') as market,
    day,
    count(*) as checked,
    count(*) filter (where not holds) as violating,
    coalesce(
        min_by({{'id': id::varchar, 'found': coalesce(found::varchar, 'null')}}, id::varchar, {n})
        filter (where not holds),
        []
    ) as examples
from ({sql})
group by all
order by market, day
"""


def check_contracts(home: Home) -> ContractReport:
    """Check every expectation on the compacted log and the feature rows of a home.

    Raises:
        ShopError: shop.toml cannot be read, or allows a share of an unknown expectation.
    """
    shop = Shop.load(home.shop_toml)
    specs = [spec for spec in views_of(shop) if _row_files(home, spec.name)]
    expectations = list(kind_expectations(shop))
    for spec in specs:
        expectations += view_expectations(spec, shop)
    _check_names(home, shop, expectations)
    with duckdb.connect(":memory:") as db:
        checked_from, checked_until = _open(db, home, shop)
        for spec in specs:
            paths = _row_files(home, spec.name)
            db.read_parquet(paths, union_by_name=True).create_view(f"rows_{spec.name}")
        checks: list[Check] = []
        without_rows: list[str] = []
        for expectation in expectations:
            results = list(_results(db, shop, expectation))
            checks += results
            if not results:
                without_rows.append(expectation.name)
    return ContractReport(checked_from, checked_until, tuple(checks), tuple(without_rows))


def _open(db: duckdb.DuckDBPyConnection, home: Home, shop: Shop) -> tuple[int, int]:
    """Open the log, and return the instants after and up to which rows are checked."""
    db.execute("set TimeZone = 'UTC'")
    db.execute("set enable_progress_bar = false")
    db.execute(f"set memory_limit = '{_MEMORY_LIMIT}'")
    LogSlice.whole(home).open(db)
    newest = " union all ".join(
        f"select max(seen_at) as seen_at from log_{kind}"
        for kind in ("item", "user", "ranking", "interaction")
    )
    row = db.execute(f"select coalesce(epoch_us(max(seen_at)), -1) from ({newest})").fetchall()
    until, state = int(row[0][0]), State.read(home.features)
    since = -1 if state is None else min(state.inputs.last_seal, until - DAY)
    served = [str(path) for path in list_relations(home.log / "compacted", "served")]
    define_values(db)
    for name, value in {"new_from": since, "day_from": until - DAY}.items():
        db.execute(f"set variable {name} = ?", [value])
    db.execute(
        "create temp table answers as "
        + (
            "select distinct request_id from read_parquet(?)"
            if served
            else "select null::varchar as request_id where false"
        ),
        [served] if served else [],
    )
    market = shop.item_role("market")
    parameters = {
        "pointers": f"[{', '.join(map(field_pointer, shop.item_fields))}]::varchar[]",
        "market": str(1 + shop.item_fields.index(market) if market else 0),
    }
    log_sql = (SQL / "log.sql").read_text(encoding="utf-8")
    db.execute(Template(log_sql).substitute(parameters))
    return since, until


def _results(
    db: duckdb.DuckDBPyConnection, shop: Shop, expectation: Expectation
) -> Iterator[Check]:
    allowed = shop.contract.allowed.get(expectation.name, expectation.allowed_share)
    rows = db.execute(_GROUPED.format(sql=expectation.query(), n=_EXAMPLES)).fetchall()
    for _, days in itertools.groupby(rows, key=lambda row: row[0]):
        yield Check.of(expectation, allowed, [Day(*row) for row in days])


def _row_files(home: Home, view: str) -> list[str]:
    return [str(path) for path in sorted((home.features / view).glob("*.parquet"))]


def _check_names(home: Home, shop: Shop, expectations: list[Expectation]) -> None:
    """Check that shop.toml allows shares of expectations that exist.

    Expectations of views exist once there are features; before, their names are not checked.
    """
    names = [one.name for one in expectations]
    views = tuple(f"{spec.name}_" for spec in views_of(shop))
    for name in shop.contract.allowed:
        if name not in names and not name.startswith(views):
            hint = did_you_mean(name, names) or f"Name one of {', '.join(names)}."
            raise ShopError(
                f"{home.shop_toml}: [contract.allowed]: expected an expectation, found {name!r}. "
                f"{hint}"
            )
