"""The lines of SQL that depend on the counted measures and on the fields of history rows.

A template's `$word` becomes a list of select expressions.  The parameters of a view's own SQL file
come with its declaration in `feature_repo/views`.
"""

from collections.abc import Mapping
from string import Template

from feature_repo.home import CatalogueError
from feature_repo.shop import Shop, ShopField
from feature_repo.views import (
    EVENT_TIMES,
    MARKET_MEASURES,
    PART,
    WINDOWS,
    CounterView,
    FieldKind,
    ViewSpec,
    item_text,
    lines,
    quoted_name,
)

_SQL_TYPES: dict[FieldKind, str] = {
    "integer": "bigint",
    "number": "double",
    "text": "varchar",
    "bool": "boolean",
    "integers": "bigint[]",
    "numbers": "double[]",
    "texts": "varchar[]",
}
_BOOKKEEPING_TYPES = {EVENT_TIMES: "bigint[]", PART: "bigint"}


def row_sql(spec: ViewSpec, shop: Shop) -> str:
    """Return the SQL of a view's rows, or of a counted view's deltas.

    Raises:
        CatalogueError: the SQL file has a placeholder that the view's parameters do not name.
    """
    return _filled(spec.sql_file.read_text(), spec.parameters(shop), spec.sql_file.name)


def newest_rows_table_sql(spec: ViewSpec, shop: Shop) -> str:
    """Return the SQL that creates the empty table of a view's newest rows."""
    columns = [
        f"{spec.key} varchar",
        "event_timestamp timestamptz",
        "created_timestamp timestamptz",
        *(f'"{field.name}" {_SQL_TYPES[field.kind]}' for field in spec.fields_of(shop)),
        *(f"{name} {_BOOKKEEPING_TYPES[name]}" for name in spec.bookkeeping),
    ]
    return f"create temp table incremental_{spec.name} ({', '.join(columns)});"


def entries_sql(template: str, spec: ViewSpec, shop: Shop) -> str:
    """Fill in `intermediate/shopper_entries.sql` for the recent items of users or sessions."""
    fields = shop.recent_fields
    return Template(template).substitute(
        entity=spec.entity,
        key=spec.key,
        values=lines(fields, lambda f: f", {quoted_name(f)} := {item_text(f)}"),
        previous_clicked=lines(fields, lambda f: _unnested("clicked", f)),
        previous_shown=lines(fields, lambda f: _unnested("shown", f)),
    )


def counts_sql(template: str, counter: CounterView) -> str:
    """Fill in `counts.sql` for one counted view."""
    measures = tuple(counter.measures)
    ending = [(m, w) for m in measures for w, days in WINDOWS.items() if days is not None]
    return Template(template).substitute(
        key=counter.key,
        summed=lines(measures, _summed),
        subtracted=lines(measures, lambda m: f"(-sum({m}))::bigint as {m},"),
        leaving=lines(ending, lambda c: _leaving(*c)),
        gone=lines(ending, lambda c: f"(sum({c[0]}_{c[1]}) over so_far)::bigint as {c[0]}_{c[1]},"),
        counts=lines([(m, w) for m in measures for w in WINDOWS], lambda c: _count(*c)),
    )


def market_days_sql(template: str) -> str:
    """Fill in `market_days.sql`, of the folder `intermediate` or `incremental`."""
    return Template(template).substitute(summed=lines(MARKET_MEASURES, _summed))


def tiles_sql(template: str, counter: CounterView) -> str:
    """Fill in `tiles.sql` for one counted view."""
    measures = tuple(counter.measures)
    return Template(template).substitute(
        key=counter.key,
        totals=lines(measures, lambda m: f"coalesce(sum({m}), 0)::bigint as {m}_all,"),
        summed=lines(measures, _summed),
        listed=lines(measures, lambda m: f"list({m} order by bucket) as {m},"),
        arrays=lines(measures, lambda m: f"{m}_all,\n    coalesce({m}, []) as {m},"),
    )


def incremental_counts_sql(template: str, counter: CounterView) -> str:
    """Fill in `incremental/counts.sql` for one counted view."""
    return Template(template).substitute(
        key=counter.key,
        unnested=lines(counter.measures, lambda m: f"unnest({m}) as {m},"),
        remainder=lines(
            counter.measures, lambda m: f"({m}_all - coalesce(list_sum({m}), 0))::bigint as {m},"
        ),
    )


def incremental_tiles_sql(template: str, counter: CounterView) -> str:
    """Fill in `incremental/tiles.sql` for one counted view."""
    return Template(template).substitute(
        view=counter.name,
        key=counter.key,
        measures=lines(counter.measures, lambda m: f"{m}_all bigint, {m} bigint[],"),
    )


def daily_sums_sql(template: str) -> str:
    """Fill in `incremental/tables.sql`."""
    return Template(template).substitute(
        measures=lines(MARKET_MEASURES, lambda m: f"{m} bigint,"),
    )


def _filled(template: str, parameters: Mapping[str, str], name: str) -> str:
    try:
        return Template(template).substitute(parameters)
    except (KeyError, ValueError) as error:
        raise CatalogueError(
            f"{name}: expected parameters {', '.join(parameters) or 'none'}, found {error}; add it "
            "to the view's parameters, or write $$ for a dollar sign."
        ) from None


def _unnested(verb: str, field: ShopField) -> str:
    return f', {quoted_name(field)} := unnest("{verb}_{field.column}")'


def _summed(measure: str) -> str:
    return f"coalesce(sum({measure}), 0)::bigint as {measure},"


def _leaving(measure: str, window: str) -> str:
    inside = f"days = {WINDOWS[window]}"
    return f"coalesce(sum({measure}) filter (where {inside}), 0)::bigint as {measure}_{window},"


def _count(measure: str, window: str) -> str:
    """The events so far, minus the events that have left the window."""
    count = f"{measure}_{window}"
    ended = "" if WINDOWS[window] is None else f" - coalesce({count}, 0)"
    return f"(sum({measure}) over so_far{ended})::bigint as {count},"
