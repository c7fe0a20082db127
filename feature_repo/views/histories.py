"""Histories of pairs with items: one row per user, session or query, with parallel arrays."""

from collections.abc import Mapping, Sequence
from typing import Literal

from feature_repo.shop import Shop, ShopField
from feature_repo.views.history_limits import K_CLICKED, K_QUERY_ITEMS, K_SHOWN
from feature_repo.views.spec import (
    FEATURES_SQL,
    JOIN_KEYS,
    DailySums,
    FieldSpec,
    LiveLists,
    NewestRow,
    ViewSpec,
)
from feature_repo.views.sql_lines import item_text, lines


def _recent_fields(shop: Shop) -> list[FieldSpec]:
    return [
        *_recent_list("clicked", K_CLICKED, shop.recent_fields),
        *_recent_list("shown", K_SHOWN, shop.recent_fields),
    ]


def _recent_list(verb: str, most: int, fields: Sequence[ShopField]) -> list[FieldSpec]:
    unit = "microseconds since 1970 UTC"
    return [
        FieldSpec(
            f"{verb}_item_ids", "texts", f"The last {most} items {verb}, newest first.", "ids"
        ),
        FieldSpec(f"{verb}_at", "integers", f"When each was {verb}: {unit}.", unit),
        *(_item_values(f"{verb}_{field.column}", field) for field in fields),
    ]


def _query_fields(shop: Shop) -> list[FieldSpec]:
    return [
        FieldSpec(
            "clicked_item_keys",
            "texts",
            f"The {K_QUERY_ITEMS} items clicked most for the query, most first.",
            "ids",
        ),
        FieldSpec(
            "clicked_item_weights",
            "integers",
            "Clicks of all time on each of them.",
            "events",
            {"window": "all"},
        ),
        FieldSpec(
            "clicked_item_impressions",
            "integers",
            "Times each of them was shown for the query, all time.",
            "events",
            {"window": "all"},
        ),
        *(_item_values(f"item_{field.column}", field) for field in shop.recent_fields),
    ]


def _item_values(name: str, field: ShopField) -> FieldSpec:
    return FieldSpec(
        name,
        "texts",
        f"{field.column} of each item, as of the event; the values of a list are "
        "separated by U+001F, a price is in minor units, a missing value is the empty text.",
        "minor units of money" if field.type == "number" else "texts",
        {"taste": field.column},
    )


def _query_parameters(shop: Shop) -> Mapping[str, str]:
    values = {f'"item_{field.column}"': item_text(field) for field in shop.recent_fields}
    lists = {
        "clicked_item_keys": "varchar",
        "clicked_item_weights": "bigint",
        "clicked_item_impressions": "bigint",
        **dict.fromkeys(values, "varchar"),
    }
    return {
        "values": lines(values.items(), lambda each: f", {each[0]} := {each[1]}"),
        "arrays": lines(lists.items(), lambda each: _array(*each)),
    }


def _array(name: str, type_: str) -> str:
    elements = f"list_transform(folded.items, lambda item: item.{name})"
    return f"coalesce({elements}, []::{type_}[]) as {name},"


def _recent(entity: Literal["user", "session"], description: str) -> ViewSpec:
    return ViewSpec(
        name=f"{entity}_recent",
        entity=entity,
        description=description,
        fields=_recent_fields,
        sql=FEATURES_SQL / "shopper_recent.sql",
        parameters=lambda _: {"key": JOIN_KEYS[entity]},
        incremental=NewestRow(),
        append_numbers=False,
        live=LiveLists({"clicked": K_CLICKED, "shown": K_SHOWN}),
    )


USER_RECENT = _recent("user", "The last items that a user clicked and was shown, newest first.")
SESSION_RECENT = _recent("session", "The last items clicked and shown in a session, newest first.")

QUERY_CLICKED_ITEMS = ViewSpec(
    name="query_clicked_items",
    entity="query",
    description="The items that shoppers clicked most after a query.",
    fields=_query_fields,
    parameters=_query_parameters,
    incremental=DailySums("query_days"),
    append_numbers=False,
)
