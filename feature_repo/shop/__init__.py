"""What a shop declares about itself: the fields of its items and users, and their types."""

from feature_repo.shop.schema import SIMULATED_SHOP, FieldType, Role, Shop, ShopField, safe_column
from feature_repo.shop.values import typed_value

__all__ = [
    "SIMULATED_SHOP",
    "FieldType",
    "Role",
    "Shop",
    "ShopField",
    "safe_column",
    "typed_value",
]
