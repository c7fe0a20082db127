"""The currency of a shop's amounts, and the rates of others.

[currency]
base = "EUR"                        # by default the currency of the markets, if they share one
rates = { USD = 0.92, GBP = 1.17 }  # 1 USD = 0.92 EUR
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feature_repo.home import ShopError
from feature_repo.shop.currencies import SHARED_SIGNS
from feature_repo.shop.markets import Market, is_currency


@dataclass(frozen=True)
class Money:
    """How amounts of several currencies become comparable.

    Attributes:
        base: ISO 4217 code of the amounts that features read; None where it is not declared.
        rates: codes, each with the units of `base` for one unit.
    """

    base: str | None = None
    rates: tuple[tuple[str, float], ...] = ()

    def converted(self, amount: float, currency: str) -> float | None:
        """Return an amount in `base`; None without a rate.

        Args:
            amount: in `currency`.
            currency: a code, or a sign that several currencies share.

        >>> Money("EUR", (("USD", 0.5),)).converted(10, "USD"), Money("CAD").converted(10, "$")
        (5.0, 10)
        """
        possible = SHARED_SIGNS.get(currency, {currency})
        if self.base is None or self.base in possible:
            return amount
        rates = {rate for code, rate in self.rates if code in possible}
        return amount * rates.pop() if len(rates) == 1 else None


def read_money(table: Any, markets: Iterable[Market], source: Path) -> Money:
    """Read the table `[currency]` of `source`.

    Raises:
        ShopError: an unknown key, a code that is none, or a rate that is no number above 0.
    """
    if not isinstance(table, dict) or set(table) - {"base", "rates"}:
        raise ShopError(
            f"{source}: expected [currency] with the keys base and rates, found {table!r}."
        )
    shared = {market.currency for market in markets}
    base = table.get("base", shared.pop() if len(shared) == 1 else None)
    rates = table.get("rates", {})
    if base is None and rates:
        raise ShopError(f"{source}: [currency]: expected a base for the rates, found none; add it.")
    if not isinstance(rates, dict):
        raise ShopError(f"{source}: [currency] rates: expected a table, found {rates!r}.")
    for code in (*([] if base is None else [base]), *rates):
        if not is_currency(code):
            raise ShopError(f"{source}: [currency]: expected codes such as EUR, found {code!r}.")
    for code, rate in rates.items():
        if type(rate) not in (int, float) or not 0 < rate < math.inf:
            raise ShopError(
                f"{source}: [currency] rates: expected a number above 0 for {code}, found {rate!r}."
            )
    return Money(base, tuple(rates.items()))
