"""Percentiles of an item among the items of its category and of its brand.

The features depend on the roles of the shop's fields.
"""

from collections.abc import Mapping

from feature_repo.home import CatalogueError
from feature_repo.shop import Role, Shop
from feature_repo.views.spec import FieldSpec, NewestRow, ViewSpec
from feature_repo.views.sql_lines import lines, quoted_name

GROUPS: tuple[Role, ...] = ("category", "brand")
EXAMINED = "examined_impressions"


def groups_of(shop: Shop) -> tuple[Role, ...]:
    """Return the roles that group this shop's items."""
    return tuple(role for role in GROUPS if shop.item_role(role) is not None)


def _fields(shop: Shop) -> list[FieldSpec]:
    fields = [field for group in groups_of(shop) for field in _group_fields(group, shop)]
    examined = "Times it was shown at or above the last click of its slate, all time."
    return [*fields, FieldSpec(EXAMINED, "integer", examined, "events")]


def _group_fields(group: Role, shop: Shop) -> list[FieldSpec]:
    prices = [
        FieldSpec(
            f"{group}_price",
            "number",
            f"Median price of the items of its {group}.",
            "as the shop's prices",
        ),
        FieldSpec(
            f"{group}_price_place",
            "number",
            f"Share of its {group}'s other items that cost less; ties count half.",
            "share",
        ),
    ]
    return [
        FieldSpec(f"{group}_items", "integer", f"Items of its {group}.", "items"),
        FieldSpec(
            f"{group}_impressions",
            "integer",
            f"Times the items of its {group} were shown, all time.",
            "events",
        ),
        FieldSpec(
            f"{group}_clicks",
            "integer",
            f"Clicks on the items of its {group}, all time.",
            "events",
        ),
        FieldSpec(
            f"{group}_popularity",
            "number",
            f"Share of its {group}'s other items with fewer clicks in 30 days; ties count half.",
            "share",
        ),
        *(prices if shop.price_field is not None else ()),
    ]


def _parameters(shop: Shop) -> Mapping[str, str]:
    groups, price = groups_of(shop), shop.price_field
    own_price = f"attributes.{quoted_name(price)} as own_price," if price else ""
    return {
        "groups": lines(groups, lambda g: f"{_group_of(shop, g)} as {g},")
        + f"\n        {own_price}",
        "compared": lines(groups, lambda g: _compared(g, priced=price is not None)),
        "features": ",\n    ".join(field.name for field in _fields(shop)),
    }


def _group_of(shop: Shop, role: Role) -> str:
    """The value of the field with this role; of a list, the first."""
    field = shop.item_role(role)
    if field is None:
        raise CatalogueError(f"expected a field with the role {role}, found none")
    value = f"attributes.{quoted_name(field)}"
    return f"{value}[1]" if field.type == "list" else f"{value}::varchar"


def _compared(group: str, *, priced: bool) -> str:
    """Sums, medians and percentiles of an item within its group; null without a group."""
    inside = f"partition by effective_at, {group}"
    features = {
        "items": f"count(*) over ({inside})",
        "impressions": f"(sum(impressions) over ({inside}))::bigint",
        "clicks": f"(sum(clicks) over ({inside}))::bigint",
        "popularity": _percentile(inside, "clicks_30d"),
    }
    if priced:
        features["price"] = f"median(own_price) over ({inside})"
        cheaper = _percentile(f"{inside}, own_price is null", "own_price")
        features["price_place"] = f"case when own_price is not null then {cheaper} end"
    return lines(
        features.items(),
        lambda each: f"case when {group} is not null then {each[1]} end as {group}_{each[0]},",
    )


def _percentile(inside: str, number: str) -> str:
    """Share of the other items that are lower, equals count half; half without other items."""
    lower = f"rank() over ({inside} order by {number}) - 1"
    equal = f"count(*) over ({inside}, {number}) - 1"
    others = f"count(*) over ({inside}) - 1"
    return f"coalesce(({lower} + ({equal}) / 2) / nullif({others}, 0), 0.5)"


ITEM_PERCENTILES = ViewSpec(
    name="item_percentiles",
    entity="item",
    description="Percentiles of an item within its category and its brand.",
    fields=_fields,
    parameters=_parameters,
    incremental=NewestRow(load="day_ended"),
    append_numbers=False,
)
