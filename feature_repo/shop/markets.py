"""The markets of a shop: the language of their texts and the currency of their prices.

[[market]]
name = "de"
language = "german"                 # or its code, "de"; without it, the market's name decides
currency = "EUR"
default = true                      # of events and requests that name no market
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.home import ShopError
from feature_repo.shop.languages import LANGUAGES, language_named, language_of

_KEYS = frozenset({"name", "language", "currency", "default"})


@dataclass(frozen=True)
class Market:
    """A market of the shop.

    Attributes:
        name: in events and requests.
        language: of its texts and queries.
        currency: ISO 4217 code of its prices; None where it is not declared.
        is_default: whether events and requests that name no market belong to it.
    """

    name: str
    language: str
    currency: str | None = None
    is_default: bool = False


def read_markets(tables: Any, source: Path) -> tuple[Market, ...]:
    """Read the `[[market]]` tables of `source`.

    Raises:
        ShopError: a market without name, declared twice, or with an unknown language; two defaults.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ShopError(f"{source}: expected markets as [[market]] tables.")
    markets: dict[str, Market] = {}
    for table in tables:
        market = _market(table, source)
        if market.name.casefold() in markets:
            raise ShopError(f"{source}: market {market.name!r} is declared twice; keep one.")
        if market.is_default and any(other.is_default for other in markets.values()):
            raise ShopError(f"{source}: two markets are the default; one can be.")
        markets[market.name.casefold()] = market
    return tuple(markets.values())


def _market(table: dict[str, Any], source: Path) -> Market:
    if unknown := set(table) - _KEYS:
        raise ShopError(f"{source}: a market has unknown keys {sorted(unknown)}.")
    name, written = table.get("name"), table.get("language")
    if not isinstance(name, str) or not name:
        raise ShopError(f"{source}: a market has no name: {table}.")
    language = language_of(name) if written is None else language_named(str(written))
    if language is None:
        raise ShopError(
            f"{source}: market {name!r}: expected a language of {', '.join(LANGUAGES)}, "
            f"found {written!r}."
        )
    currency = table.get("currency")
    if currency is not None and not (isinstance(currency, str) and is_currency(currency)):
        raise ShopError(
            f"{source}: market {name!r}: expected a currency such as EUR, found {currency!r}."
        )
    is_default = table.get("default", False)
    if type(is_default) is not bool:
        raise ShopError(
            f"{source}: market {name!r}: expected true or false as default, found {is_default!r}."
        )
    return Market(name, language, currency, is_default)


def is_currency(code: str) -> bool:
    """Return whether a text has the form of an ISO 4217 code."""
    return len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()
