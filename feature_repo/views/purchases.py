"""The whole past of a user's purchases, bounded: the items that the user bought most."""

from feature_repo.views.history_limits import K_BOUGHT
from feature_repo.views.spec import DailySums, FieldSpec, ViewSpec

_INSTANT = "microseconds since 1970 UTC"

USER_PURCHASES = ViewSpec(
    name="user_purchases",
    entity="user",
    description="The items that a user bought most, over all time.",
    fields=(
        FieldSpec(
            "bought_item_ids",
            "texts",
            f"The {K_BOUGHT} items bought most, most first; of equal ones the last bought first.",
            "ids",
        ),
        FieldSpec(
            "bought_orders",
            "integers",
            "Purchases of each of them, all time.",
            "events",
            {"window": "all"},
        ),
        FieldSpec("bought_at", "integers", f"When each was last bought: {_INSTANT}.", _INSTANT),
    ),
    incremental=DailySums("user_days"),
    append_numbers=False,
)
