"""The live read path: features of a slate in one round trip."""

from feature_repo.online.hydration.arm_counts import AGES, ArmCounts
from feature_repo.online.hydration.changed_items import ChangedItems, ItemState, ListedChanges
from feature_repo.online.hydration.item_cache import ItemCache
from feature_repo.online.hydration.reader import OnlineReader

__all__ = [
    "AGES",
    "ArmCounts",
    "ChangedItems",
    "ItemCache",
    "ItemState",
    "ListedChanges",
    "OnlineReader",
]
