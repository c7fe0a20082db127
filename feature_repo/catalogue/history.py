"""Facts about pairs, folded into one row of one side as short parallel arrays."""

from feast import FeatureView, Field
from feast.types import Array, Int64, String

from feature_repo.catalogue.entities import query, user
from feature_repo.catalogue.views import view
from feature_repo.home import Home
from feature_repo.shop import Shop, ShopField
from feature_repo.views import K_CLICKED, K_QUERY_ITEMS, K_SHOWN


def user_recent(home: Home, shop: Shop) -> FeatureView:
    """One row per user and instant at which the user acted or was shown something."""
    return view(
        home,
        "user_recent",
        user,
        [
            *_recent("clicked", K_CLICKED, shop.recent_fields),
            *_recent("shown", K_SHOWN, shop.recent_fields),
        ],
        description="The items a user clicked last and was shown last, newest first.",
        freshness="live",
    )


def query_clicked_items(home: Home, shop: Shop) -> FeatureView:
    """One row per query and UTC midnight after a day on which its clicks changed."""
    return view(
        home,
        "query_clicked_items",
        query,
        [
            Field(
                name="clicked_item_keys",
                dtype=Array(String),
                description=f"The {K_QUERY_ITEMS} items clicked most for the query, most first.",
                tags={"unit": "ids"},
            ),
            Field(
                name="clicked_item_weights",
                dtype=Array(Int64),
                description="Clicks of all time on each of them.",
                tags={"unit": "events", "window": "all"},
            ),
            Field(
                name="clicked_item_impressions",
                dtype=Array(Int64),
                description="Times each of them was shown for the query, all time.",
                tags={"unit": "events", "window": "all"},
            ),
            *(_value(f"item_{field.column}", field) for field in shop.recent_fields),
        ],
        description="The items shoppers chose after a query.",
        freshness="batch:1d",
    )


def _recent(verb: str, most: int, tastes: tuple[ShopField, ...]) -> list[Field]:
    ids = Field(
        name=f"{verb}_item_ids",
        dtype=Array(String),
        description=f"The last {most} items {verb}, newest first.",
        tags={"unit": "ids"},
    )
    instants = Field(
        name=f"{verb}_at",
        dtype=Array(Int64),
        description=f"When each was {verb}: microseconds since 1970 UTC.",
        tags={"unit": "microseconds since 1970 UTC"},
    )
    return [ids, instants, *(_value(f"{verb}_{field.column}", field) for field in tastes)]


def _value(name: str, field: ShopField) -> Field:
    return Field(
        name=name,
        dtype=Array(String),
        description=(
            f"{field.column} of each of the items, as known then; the values of a list are "
            "separated by U+001F, a price is in minor units, a missing value is the empty text."
        ),
        tags={
            "taste": field.column,
            "unit": "minor units of money" if field.type == "number" else "texts",
        },
    )
