"""Readers of single values: each converts a sender's value to its stored form.

Every reader is `(value, field) -> value` and raises EventError with the field, what was expected
and what was found. No reader gets None: `read_object` skips absent values.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard, cast

from feature_repo.home import EventError, did_you_mean
from feature_repo.shop import read_amount, read_numbers

Reader = Callable[[object, str], Any]
FieldValue = str | float | bool | list[str] | None
"""The value of a shop's own field; null removes it."""

LONGEST_ID = 512
LONGEST_TEXT = 2_000
"""Characters of a text of the contract, such as a query."""

LONGEST_SLATE = 1_000
"""Items of a slate, in an event or a request."""

_MONEY_KEYS = ({"amount", "currency"}, {"value", "currency"})
"""Keys of an object that is an amount of money."""

LARGEST_FIELDS = 65_536
"""Characters of the names and values of an event's own fields together."""

LARGEST_SEED = 2**63 - 1
LARGEST_NUMBER = 1e20
"""Above every integer of 64 bits; sums of larger numbers overflow in a model's features."""

_ID = f"an id: text of 1 to {LONGEST_ID} characters without NUL, or an integer"
_TEXT = f"text of at most {LONGEST_TEXT} characters without NUL"
_NAME = "text without NUL"
_NUMBER = f"a number from -{LARGEST_NUMBER:g} to {LARGEST_NUMBER:g}"
_FIELD = "text, a number, true, false, null or a list of texts"


def read_object(
    raw: Mapping[str, object], readers: Mapping[str, Reader], prefix: str = ""
) -> dict[str, Any]:
    """Read the keys of an object, each with its reader; a null counts as absent.

    Raises:
        EventError: an unknown key, probably misspelt, or a bad value; `prefix` starts its field.
    """
    fields = {}
    for name, value in raw.items():
        if value is None:
            continue
        reader = readers.get(name)
        if reader is None:
            hint = did_you_mean(name, readers) or "Remove it, or put it into fields."
            raise EventError(f"{prefix}{name}", f"only the keys {', '.join(readers)}", value, hint)
        fields[name] = reader(value, f"{prefix}{name}")
    return fields


def identifier(value: object, field: str) -> str:
    """Read an id; integers become text.

    >>> identifier(99114, "item_id")
    '99114'
    """
    if isinstance(value, str):
        if 0 < len(value) <= LONGEST_ID and _is_plain(value) and not value.isspace():
            return value
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**LONGEST_ID:
        return str(value)
    raise EventError(field, _ID, value)


def identifiers(values: Sequence[object], field: str) -> list[str]:
    """Read N ids; the error names the first bad one as `field[n].id`.

    >>> identifiers(["a", 7], "items")
    ['a', '7']
    """
    if {*map(type, values)} == {str} and _are_plain(cast("Sequence[str]", values)):
        return [*cast("Sequence[str]", values)]
    return [identifier(value, f"{field}[{n}].id") for n, value in enumerate(values)]


def text(value: object, field: str) -> str:
    """Read a text."""
    plain = _plain(value, field)
    if len(plain) > LONGEST_TEXT:
        raise EventError(field, _TEXT, f"{len(plain)} characters")
    return plain


def number(value: object, field: str) -> float:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EventError(field, _NUMBER, value)
    try:
        finite = float(value)
    except OverflowError:
        raise EventError(field, _NUMBER, value) from None
    if not abs(finite) <= LARGEST_NUMBER:
        raise EventError(field, _NUMBER, value)
    return finite


def amount(value: object, field: str) -> float:
    """Read a number, or a text with one meaning as a number.

    >>> amount("49,90", "value")
    49.9
    """
    if not isinstance(value, str):
        return number(value, field)
    numbers = read_numbers(value)
    if len(numbers) == 1:
        return number(numbers[0], field)
    hint = f"It means {' or '.join(f'{n:g}' for n in numbers)}; send a number." if numbers else ""
    raise EventError(field, "a number", value, hint)


def currency(value: object, field: str) -> str:
    """Read a code of a currency, or a sign or word for one.

    >>> currency("eur", "currency"), currency("€", "currency"), currency("XAU", "currency")
    ('EUR', 'EUR', 'XAU')
    """
    written = text(value, field).strip()
    amount_of_one = read_amount(f"1 {written}")
    if amount_of_one is not None and amount_of_one[1] is not None:
        return amount_of_one[1]
    if len(written) == 3 and written.isascii() and written.isalpha():
        return written.upper()
    raise EventError(field, "an ISO 4217 code such as EUR", value)


@functools.lru_cache(maxsize=1_000)
def is_currency(code: str) -> bool:
    """Return whether `currency` returns the code as it is."""
    try:
        return bool(currency(code, "currency") == code)
    except EventError:
        return False


def with_currency(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object whose amount and currency are two keys, `value` and `currency`.

    >>> with_currency({"value": "49,90 €"})
    {'value': '49,90', 'currency': 'EUR'}
    >>> with_currency({"value": {"amount": 5, "currency": "USD"}})
    {'value': 5, 'currency': 'USD'}
    """
    value = raw.get("value")
    if _is_money(value):
        return {**raw, **_money(value)}
    split = read_amount(value) if isinstance(value, str) else None
    if split is None or split[1] is None:
        return raw
    return {**raw, "value": split[0], "currency": split[1]}


def _is_money(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict) and value.keys() in _MONEY_KEYS


def _money(value: Mapping[str, Any]) -> Mapping[str, Any]:
    amount_of_it = value["amount"] if "amount" in value else value["value"]
    return {"value": amount_of_it, "currency": value["currency"]}


def share(value: object, field: str) -> float:
    """Read a probability above 0, at most 1."""
    probability = number(value, field)
    if not 0 < probability <= 1:
        raise EventError(field, "a probability above 0, at most 1", value)
    return probability


def temperature(value: object, field: str) -> float:
    """Read a scale of noise, 0 or more."""
    scale = number(value, field)
    if scale < 0:
        raise EventError(field, "a number from 0", value)
    return scale


def seed(value: object, field: str) -> int:
    """Read a seed: a whole number of 63 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_SEED:
        raise EventError(field, f"a whole number from 0 to {LARGEST_SEED}", value)
    return value


def minutes(value: object, field: str) -> int:
    """Read an offset to UTC in whole minutes, within a day."""
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 24 * 60:
        raise EventError(field, "whole minutes ahead of UTC, within a day", value)
    return value


def one_of(*choices: str) -> Reader:
    """Return the reader of a text that is one of `choices`."""

    def reader(value: object, field: str) -> str:
        if not isinstance(value, str) or value not in choices:
            raise EventError(field, f"one of {', '.join(choices)}", value)
        return value

    return reader


def shop_field(value: object, field: str) -> FieldValue:
    """Read the value of a shop's own field; numbers in a list become text, null removes.

    An object of amount and currency becomes the text of both.

    >>> shop_field(["a", 7], "tags")
    ['a', '7']
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _plain(value, field)
    if isinstance(value, int | float):
        return number(value, field)
    if isinstance(value, list):
        return [_element(element, field) for element in value]
    if _is_money(value):
        money = _money(value)
        return f"{amount(money['value'], field):.15g} {currency(money['currency'], field)}"
    raise EventError(field, _FIELD, value)


def shop_fields(value: object, field: str) -> dict[str, FieldValue]:
    """Read a shop's own fields: an object of name and value."""
    if not isinstance(value, dict):
        raise EventError(field, "an object of names and values", value)
    fields = {
        _plain(name, field): shop_field(element, f"{field}.{name}")
        for name, element in value.items()
    }
    check_size(fields, field)
    return fields


def check_size(fields: Mapping[str, FieldValue], field: str) -> None:
    """Check that a shop's own fields are small enough for features of every event.

    Raises:
        EventError: names and values together have more than `LARGEST_FIELDS` characters.
    """
    sizes = {name: len(name) + _size(value) for name, value in fields.items()}
    if sum(sizes.values()) > LARGEST_FIELDS:
        largest = max(sizes, key=lambda name: sizes[name])
        expected = f"names and values of at most {LARGEST_FIELDS} characters together"
        raise EventError(
            field, expected, f"{sum(sizes.values())}, of these {sizes[largest]} in {largest[:60]!r}"
        )


def _size(value: FieldValue) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(map(len, value)) + len(value) if isinstance(value, list) else 1


def check_length(items: Sequence[object], field: str) -> None:
    """Check that a slate has at most `LONGEST_SLATE` items.

    Raises:
        EventError: it has more.
    """
    if len(items) > LONGEST_SLATE:
        raise EventError(field, f"at most {LONGEST_SLATE} items", f"{len(items)} items")


def check_unique(ids: Sequence[str], field: str) -> None:
    """Check that a slate contains each item once.

    Raises:
        EventError: an item occurs twice.
    """
    if len(set(ids)) < len(ids):
        repeated = next(item for n, item in enumerate(ids) if item in ids[:n])
        raise EventError(field, "each item once", f"{repeated} twice")


def _element(value: object, field: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        number(value, field)
        return str(value)
    if not isinstance(value, str):
        raise EventError(field, _FIELD, value)
    return _plain(value, field)


def _plain(value: object, field: str) -> str:
    if not isinstance(value, str) or not _is_plain(value):
        raise EventError(field, _NAME, value)
    return value


def _are_plain(ids: Sequence[str]) -> bool:
    """Return whether all texts are valid ids, checked together: a slate has hundreds."""
    lengths = [*map(len, ids)]
    joined = "".join(ids)
    return (
        joined.isascii()
        and "\0" not in joined
        and 0 < min(lengths) <= max(lengths) <= LONGEST_ID
        and not any(map(str.isspace, ids))
    )


def _is_plain(value: str) -> bool:
    """Return whether every store accepts the text: no NUL, no half of a surrogate pair."""
    if value.isascii():
        return "\0" not in value
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
