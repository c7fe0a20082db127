"""The fields of a shop's items and users, their types, and the shop's markets."""

from feature_repo.shop.amounts import read_amount, read_numbers
from feature_repo.shop.currencies import CURRENCIES, SHARED_SIGNS
from feature_repo.shop.folded_value import folded_value
from feature_repo.shop.languages import DEFAULT_LANGUAGE, language_code, language_of
from feature_repo.shop.limits import VARIABLES as LIMIT_VARIABLES
from feature_repo.shop.limits import is_cut
from feature_repo.shop.markets import Market
from feature_repo.shop.money import Money
from feature_repo.shop.schema import SIMULATED_SHOP, FieldType, Role, Shop, ShopField, safe_column
from feature_repo.shop.values import typed_value

__all__ = [
    "CURRENCIES",
    "DEFAULT_LANGUAGE",
    "LIMIT_VARIABLES",
    "SHARED_SIGNS",
    "SIMULATED_SHOP",
    "FieldType",
    "Market",
    "Money",
    "Role",
    "Shop",
    "ShopField",
    "folded_value",
    "is_cut",
    "language_code",
    "language_of",
    "read_amount",
    "read_numbers",
    "safe_column",
    "typed_value",
]
