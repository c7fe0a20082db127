"""Read the value of a declared field, or of an amount, and name what is wrong with it."""

from collections.abc import Mapping
from typing import NamedTuple, cast

from feature_repo.events.contract import FieldValue, read_currency
from feature_repo.events.quality.finding import Finding, value_finding
from feature_repo.home import EventError
from feature_repo.shop import Money, ShopField, read_amount, read_numbers, typed_value

LARGEST_AMOUNT = 1e10
"""A larger amount of money is a defect, which no feature counts."""

_PRICES = ("price", "list_price")
_COUNTS = (*_PRICES, "stock")
"""Roles of prices, and roles whose numbers are 0 or more."""

_EXPECTED = {
    "number": "a number",
    "text": "a text",
    "category": "a text",
    "list": "a list of texts",
    "vector": "a list of numbers",
    "time": "an ISO 8601 time",
    "bool": "true or false",
}
_DECLARED = "Aisle reads it as missing; correct it, or its type in shop.toml."


class ReadValue(NamedTuple):
    """A value as it is logged, and what is wrong with it."""

    value: FieldValue
    findings: tuple[Finding, ...] = ()


def read_field(field: ShopField, value: FieldValue, money: Money) -> ReadValue:
    """Return the value of a declared field as Aisle logs it; null and an empty text are right."""
    if value is None or value == "":
        return ReadValue(value)
    if field.type == "number" and isinstance(value, str):
        return _read_number(field, value, money)
    typed = typed_value(value, field.type)
    if typed is None:
        return ReadValue(value, (_finding(field, _EXPECTED[field.type], value, _DECLARED),))
    if isinstance(typed, float) and typed < 0 and field.role in _COUNTS:
        return ReadValue(value, (_finding(field, "0 or more", value, "Correct it."),))
    return ReadValue(value)


class ConvertedPrices(NamedTuple):
    """Fields of an item that change because its prices are in another currency."""

    changed: dict[str, FieldValue]
    findings: list[Finding]


def convert_prices(
    fields: Mapping[str, FieldValue], declared: Mapping[str, ShopField], money: Money
) -> ConvertedPrices:
    """Convert the prices whose currency another field names to the shop's.

    That field is `currency`, or `price_currency` for a field `price`; it becomes the shop's
    currency.  A price without a rate becomes the text of amount and currency, which no feature
    reads.
    """
    changed: dict[str, FieldValue] = {}
    findings = []
    for name, price in fields.items():
        named = _currency_of(name, fields) if _is_price(declared.get(name), price) else None
        if named is None or money.base is None:
            continue
        sibling, code = named
        amount = money.converted(cast("float", price), code)
        if amount is None:
            findings.append(value_finding(f"fields.{sibling}", *_no_rate(money, code)))
            changed[name] = f"{price:.15g} {code}"
        elif code != money.base:
            changed |= {name: amount, sibling: money.base}
    return ConvertedPrices(changed, findings)


def _is_price(field: ShopField | None, value: FieldValue) -> bool:
    return field is not None and field.role in _PRICES and type(value) in (int, float)


def _currency_of(name: str, fields: Mapping[str, FieldValue]) -> tuple[str, str] | None:
    """Return the field that names the currency of a price, and its ISO 4217 code."""
    for sibling in (f"{name}_currency", "currency"):
        written = fields.get(sibling)
        if isinstance(written, str) and written:
            try:
                return sibling, read_currency(written, sibling)
            except EventError:
                return None
    return None


def _read_number(field: ShopField, text: str, money: Money) -> ReadValue:
    is_price = field.role in _PRICES
    is_plain = typed_value(text, "number") is not None
    if is_plain and not (is_price and len(read_numbers(text)) > 1):
        return ReadValue(text)
    written, currency = (read_amount(text) if is_price else None) or (text, None)
    numbers = read_numbers(written)
    if len(numbers) > 1:
        hint = f"It means {' or '.join(f'{number:g}' for number in numbers)}; send a number."
        return ReadValue(text, (_finding(field, "a number with one meaning", text, hint),))
    if not numbers:
        return ReadValue(text, (_finding(field, "a number", text, _DECLARED),))
    amount = numbers[0] if currency is None else money.converted(numbers[0], currency)
    if amount is None:
        return ReadValue(text, (_finding(field, *_no_rate(money, text)),))
    hint = f"Aisle reads it as {amount:.15g}; send a number."
    return ReadValue(amount, (_finding(field, "a number", text, hint),))


def _finding(field: ShopField, expected: str, value: FieldValue, hint: str) -> Finding:
    return value_finding(f"fields.{field.name}", expected, value, hint)


class ReadAmount(NamedTuple):
    """An amount as it is logged: its currency is None where features read it."""

    value: float
    currency: str | None
    findings: list[Finding]


def amount_findings(value: float, currency: str | None, raw: object, money: Money) -> ReadAmount:
    """Return the amount of an interaction in the shop's currency, where there is a rate.

    Args:
        value, currency: as parsed.
        raw: the sender's object, which may have the amount as text.
        money: the shop's currency and rates.
    """
    findings = []
    sent = raw.get("value") if isinstance(raw, dict) else None
    if isinstance(sent, str):
        hint = f"Aisle reads it as {value:.15g}; send a number."
        findings.append(value_finding("value", "a number", sent, hint))
    if abs(value) >= LARGEST_AMOUNT:
        hint = "No feature counts it; send the amount in the currency's major unit."
        findings.append(value_finding("value", f"an amount below {LARGEST_AMOUNT:g}", value, hint))
    if currency is None:
        return ReadAmount(value, None, findings)
    amount = money.converted(value, currency)
    if amount is None:
        findings.append(value_finding("currency", *_no_rate(money, currency)))
        return ReadAmount(value, currency, findings)
    if money.base is None:
        hint = "Declare [currency] base in shop.toml; until then all amounts count as equal."
        findings.append(value_finding("currency", "the currency of shop.toml", currency, hint))
    return ReadAmount(amount, None, findings)


def _no_rate(money: Money, value: str) -> tuple[str, str, str]:
    currencies = ", ".join(filter(None, (money.base, *dict(money.rates))))
    hint = "Declare its rate under [currency] rates of shop.toml; until then no feature reads it."
    return f"an amount in {currencies}", value, hint
