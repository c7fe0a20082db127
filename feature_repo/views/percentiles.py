"""What one row of `item_percentiles` says: an item among those of its category and of its brand.

Which of it there is depends on the roles that the shop's fields have.
"""

from feature_repo.shop import Role, Shop

GROUPS: tuple[Role, ...] = ("category", "brand")
EXAMINED = "examined_impressions"


def groups_of(shop: Shop) -> tuple[Role, ...]:
    """The groups in which this shop's items stand."""
    return tuple(role for role in GROUPS if shop.item_role(role) is not None)


def percentile_features(shop: Shop) -> dict[str, str]:
    """Feature → its meaning, in the order of the view's schema; counts end in impressions, clicks,
    items; all else is a number with a fraction."""
    told: dict[str, str] = {}
    for group in groups_of(shop):
        told[f"{group}_items"] = f"Items of its {group}"
        told[f"{group}_impressions"] = f"Times the items of its {group} were shown, all time"
        told[f"{group}_clicks"] = f"Clicks on the items of its {group}, all time"
        told[f"{group}_popularity"] = (
            f"Share of the other items of its {group} with fewer clicks in 30 days, equals half"
        )
        if shop.price_field is not None:
            told[f"{group}_price"] = f"Median price of the items of its {group}"
            told[f"{group}_price_place"] = (
                f"Share of the other items of its {group} that cost less, equals half"
            )
    told[EXAMINED] = "Times it was shown at or above the last click of its slate, all time"
    return told


def is_count(feature: str) -> bool:
    """Whether a feature is a whole number."""
    return feature.endswith(("_items", "_impressions", "_clicks"))
