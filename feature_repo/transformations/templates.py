"""The lines of SQL that depend on the shop's fields and on the counted measures.

This is the one place where SQL is written by Python.  A template's `$word` becomes a list of select
expressions; names are quoted, and a field's name reaches SQL only as a quoted JSON pointer.
"""

from collections.abc import Callable, Iterable, Sequence
from string import Template
from typing import TypeVar

from feature_repo.home import CatalogueError
from feature_repo.shop import Role, Shop, ShopField
from feature_repo.views import (
    MARKET_MEASURES,
    VALUE_SEPARATOR,
    WINDOWS,
    CounterView,
    groups_of,
    is_count,
    percentile_features,
)

_T = TypeVar("_T")


def attributes_sql(template: str, shop: Shop) -> str:
    """Fill in `features/item_attributes.sql`."""
    return Template(template).substitute(_attributes(shop.item_fields))


def user_attributes_sql(template: str, shop: Shop) -> str:
    """Fill in `features/user_attributes.sql`."""
    told = " or ".join(f"{_said(field)} is not null" for field in shop.user_fields)
    return Template(template).substitute(_attributes(shop.user_fields), told=told)


def entries_sql(template: str, shop: Shop) -> str:
    """Fill in `intermediate/user_entries.sql`."""
    fields = shop.recent_fields
    return Template(template).substitute(
        known=_lines(fields, lambda f: f", {_name(f)} := {_known(f)}"),
        again_clicked=_lines(fields, lambda f: _again("clicked", f)),
        again_shown=_lines(fields, lambda f: _again("shown", f)),
    )


def query_sql(template: str, shop: Shop) -> str:
    """Fill in `features/query_clicked_items.sql`."""
    told = [(f'"item_{field.column}"', field) for field in shop.recent_fields]
    lists = {
        "clicked_item_keys": "varchar",
        "clicked_item_weights": "bigint",
        "clicked_item_impressions": "bigint",
        **{name: "varchar" for name, _ in told},
    }
    return Template(template).substitute(
        known=_lines(told, lambda t: f", {t[0]} := {_known(t[1])}"),
        kept=_lines(lists.items(), lambda each: _kept(*each)),
    )


def percentiles_sql(template: str, shop: Shop) -> str:
    """Fill in `features/item_percentiles.sql`."""
    groups, price = groups_of(shop), shop.price_field
    own_price = f"attributes.{_name(price)} as own_price," if price else ""
    return Template(template).substitute(
        known=_lines(groups, lambda g: f"{_group_of(shop, g)} as {g},") + f"\n        {own_price}",
        compared=_lines(groups, lambda g: _compared(g, priced=price is not None)),
        told=",\n    ".join(percentile_features(shop)),
    )


def counts_sql(template: str, counter: CounterView) -> str:
    """Fill in `counts.sql` for one counted view."""
    measures = tuple(counter.measures)
    ending = [(m, w) for m in measures for w, days in WINDOWS.items() if days is not None]
    return Template(template).substitute(
        key=counter.key,
        summed=_lines(measures, _summed),
        taken_back=_lines(measures, lambda m: f"(-sum({m}))::bigint as {m},"),
        leaving=_lines(ending, lambda c: _leaving(*c)),
        gone=_lines(
            ending, lambda c: f"(sum({c[0]}_{c[1]}) over so_far)::bigint as {c[0]}_{c[1]},"
        ),
        counts=_lines([(m, w) for m in measures for w in WINDOWS], lambda c: _count(*c)),
    )


def market_days_sql(template: str) -> str:
    """Fill in `market_days.sql`, of the intermediate or of the carried tables."""
    return Template(template).substitute(summed=_lines(MARKET_MEASURES, _summed))


def market_sql(template: str, _: Shop) -> str:
    """Fill in `features/market_baseline.sql`."""
    windows = {"30d": "month", "all": "so_far"}
    return Template(template).substitute(
        running=_lines(
            [(m, w) for m in MARKET_MEASURES for w in windows],
            lambda c: f"(sum({c[0]}) over {windows[c[1]]})::bigint as {c[0]}_{c[1]},",
        ),
    )


def tiles_sql(template: str, counter: CounterView) -> str:
    """Fill in `tiles.sql` for one counted view."""
    measures = tuple(counter.measures)
    return Template(template).substitute(
        key=counter.key,
        totals=_lines(measures, lambda m: f"coalesce(sum({m}), 0)::bigint as {m}_all,"),
        summed=_lines(measures, _summed),
        listed=_lines(measures, lambda m: f"list({m} order by bucket) as {m},"),
        kept=_lines(measures, lambda m: f"{m}_all,\n    coalesce({m}, []) as {m},"),
    )


def carried_counts_sql(template: str, counter: CounterView) -> str:
    """Fill in `incremental/counts.sql` for one counted view."""
    return Template(template).substitute(
        key=counter.key,
        unnested=_lines(counter.measures, lambda m: f"unnest({m}) as {m},"),
        remainder=_lines(
            counter.measures, lambda m: f"({m}_all - coalesce(list_sum({m}), 0))::bigint as {m},"
        ),
    )


def carried_tiles_sql(template: str, counter: CounterView) -> str:
    """Fill in `incremental/tiles.sql` for one counted view."""
    return Template(template).substitute(
        view=counter.name,
        key=counter.key,
        measures=_lines(counter.measures, lambda m: f"{m}_all bigint, {m} bigint[],"),
    )


def carried_sql(template: str, shop: Shop) -> str:
    """Fill in `incremental/tables.sql`."""
    return Template(template).substitute(
        attributes=_lines(shop.item_fields, _blank),
        user_attributes=_lines(shop.user_fields, _blank),
        recent=_lines(("clicked", "shown"), lambda verb: _recent_columns(verb, shop)),
        measures=_lines(MARKET_MEASURES, lambda m: f"{m} bigint,"),
        standing=_lines(
            percentile_features(shop), lambda f: f"{f} {'bigint' if is_count(f) else 'double'},"
        ),
    )


def _recent_columns(verb: str, shop: Shop) -> str:
    fields = (f'"{verb}_{f.column}" varchar[],' for f in shop.recent_fields)
    return f"{verb}_item_ids varchar[], {verb}_at bigint[], {' '.join(fields)}"


def _lines(elements: Iterable[_T], line: Callable[[_T], str]) -> str:
    return "\n        ".join(line(element) for element in elements)


def _group_of(shop: Shop, role: Role) -> str:
    """The value of the field with this role; of a list, the first."""
    field = shop.item_role(role)
    if field is None:
        raise CatalogueError(f"expected a field with the role {role}, found none")
    value = f"attributes.{_name(field)}"
    return f"{value}[1]" if field.type == "list" else f"{value}::varchar"


def _compared(group: str, *, priced: bool) -> str:
    """Sums, medians and places of an item within its group; null without a group."""
    inside = f"partition by known_at, {group}"
    lines = {
        "items": f"count(*) over ({inside})",
        "impressions": f"(sum(impressions) over ({inside}))::bigint",
        "clicks": f"(sum(clicks) over ({inside}))::bigint",
        "popularity": _place(inside, "clicks_30d"),
    }
    if priced:
        lines["price"] = f"median(own_price) over ({inside})"
        known = _place(f"{inside}, own_price is null", "own_price")
        lines["price_place"] = f"case when own_price is not null then {known} end"
    return _lines(
        lines.items(),
        lambda line: f"case when {group} is not null then {line[1]} end as {group}_{line[0]},",
    )


def _place(inside: str, number: str) -> str:
    """Share of the others that are lower, equals counting half; half where there is no other."""
    lower = f"rank() over ({inside} order by {number}) - 1"
    equal = f"count(*) over ({inside}, {number}) - 1"
    others = f"count(*) over ({inside}) - 1"
    return f"coalesce(({lower} + ({equal}) / 2) / nullif({others}, 0), 0.5)"


def _attributes(fields: Sequence[ShopField]) -> dict[str, str]:
    return {
        "mentioned": _lines(fields, _mentioned),
        "carried": _lines(fields, lambda f: f"{{'value': {_name(f)}}} as {_said(f)},"),
        "merged": _lines(fields, _merged),
        "typed": _lines(fields, lambda f: f"{_said(f)}.value as {_name(f)},"),
    }


def _blank(field: ShopField) -> str:
    return f"as_{_reader(field)}(null::json) as {_name(field)},"


def _mentioned(field: ShopField) -> str:
    pointer = "/" + field.name.replace("~", "~0").replace("/", "~1")
    value = f"json_extract(fields, {_text(pointer)})"
    return (
        f"case when {value} is not null then "
        f"{{'value': as_{_reader(field)}({value})}} end as {_said(field)},"
    )


def _merged(field: ShopField) -> str:
    said = _said(field)
    return f"last_value({said} ignore nulls) over so_far as {said},"


def _known(field: ShopField) -> str:
    value = f"item_attributes.{_name(field)}"
    text = {
        "list": f"array_to_string({value}, {_text(VALUE_SEPARATOR)})",
        "number": f"minor_units({value})::varchar",
    }.get(field.type, value)
    return f"coalesce({text}, '')"


def _kept(name: str, type_: str) -> str:
    told = f"list_transform(folded.items, lambda item: item.{name})"
    return f"coalesce({told}, []::{type_}[]) as {name},"


def _again(verb: str, field: ShopField) -> str:
    return f', {_name(field)} := unnest("{verb}_{field.column}")'


def _summed(measure: str) -> str:
    return f"coalesce(sum({measure}), 0)::bigint as {measure},"


def _leaving(measure: str, window: str) -> str:
    inside = f"days = {WINDOWS[window]}"
    return f"coalesce(sum({measure}) filter (where {inside}), 0)::bigint as {measure}_{window},"


def _count(measure: str, window: str) -> str:
    """What came, less what left the window."""
    count = f"{measure}_{window}"
    gone = "" if WINDOWS[window] is None else f" - coalesce({count}, 0)"
    return f"(sum({measure}) over so_far{gone})::bigint as {count},"


def _reader(field: ShopField) -> str:
    return "text" if field.type == "category" else field.type


def _said(field: ShopField) -> str:
    return f'"said_{field.column}"'


def _name(field: ShopField) -> str:
    return f'"{field.column}"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
