"""Read prices and quantities of a file: its own numbers say which separator is the decimal one."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from feature_repo.events.catalogues.column_names import Raw
from feature_repo.events.contract import number
from feature_repo.home import EventError
from feature_repo.shop import read_amount, read_numbers

_EXPECTED = "a number with one meaning"


@dataclass(frozen=True)
class Amount:
    """A number, and the code or sign of its currency if it has one."""

    value: float
    currency: str | None = None


def decimal_separator(texts: Iterable[str]) -> str | None:
    """Return the separator that is decimal in most texts; None if no text shows one.

    >>> decimal_separator(["49,90", "1.299"]), decimal_separator(["1,299"])
    (',', None)
    """
    votes: Counter[str] = Counter()
    for text in texts:
        written = _written(text)
        numbers = read_numbers(written)
        if len(numbers) == 1:
            votes.update(_last_separator(written, numbers[0]))
    if not votes:
        return None
    return max(votes, key=lambda separator: votes[separator])


def read_price(value: object, field: str, decimal: str | None = None) -> Amount | None:
    """Read a number, a text of one with or without a currency, or an object of both.

    Args:
        value: None and an empty text are no amount.
        field: as the sender names it.
        decimal: the decimal separator of the file, where a text has two meanings.

    Raises:
        EventError: the value is no amount, below 0, or has two meanings.
    """
    amount = _read(value, field, decimal)
    if amount is not None and amount.value < 0:
        raise EventError(field, "0 or more", value)
    return amount


def read_quantity(value: object, field: str, decimal: str | None = None) -> float | None:
    """Read a number of units, which a shop that sells more than it has writes below 0.

    Raises:
        EventError: the value is no number, or has two meanings.
    """
    amount = _read(value, field, decimal)
    return None if amount is None else amount.value


def with_plain_numbers(raw: Raw, keys: Collection[str], decimal: str | None) -> Raw:
    """Return an object whose texts of two meanings have that of the file's decimal separator."""
    changed = {
        key: _plain(raw[key], decimal)
        for key in keys
        if isinstance(raw.get(key), str) and len(read_numbers(_written(raw[key]))) > 1
    }
    return {**raw, **changed} if changed and decimal else raw


def _read(value: object, field: str, decimal: str | None) -> Amount | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, dict):
        inner = next((value[key] for key in ("value", "amount", "price") if key in value), None)
        amount = _read(inner, field, decimal)
        code = value.get("currency", value.get("currencyCode"))
        if amount is None:
            raise EventError(field, "an amount", value)
        return Amount(amount.value, code if isinstance(code, str) else amount.currency)
    if not isinstance(value, str):
        return Amount(number(value, field))
    written, currency = read_amount(value) or (value, None)
    numbers = read_numbers(written)
    if not numbers:
        raise EventError(field, "a number", value)
    if len(numbers) > 1 and decimal is None:
        meanings = " or ".join(f"{one:g}" for one in numbers)
        hint = f"It means {meanings}, and no other number of the file decides; write 2 decimals."
        raise EventError(field, _EXPECTED, value, hint)
    meant = numbers[0] if len(numbers) == 1 else _meant(written, numbers, str(decimal))
    return Amount(number(meant, field), currency)


def _plain(text: str, decimal: str | None) -> str:
    """Return the text of an amount with two meanings, with a point as its decimal separator."""
    written, currency = read_amount(text) or (text, None)
    meant = _meant(written, read_numbers(written), str(decimal))
    # Six decimals are no thousands.
    return f"{meant:.6f}" if currency is None else f"{meant:.6f} {currency}"


def _meant(written: str, numbers: tuple[float, ...], decimal: str) -> float:
    """Return the first number, that of a decimal separator, if the text contains it."""
    return numbers[0] if decimal in written else numbers[1]


def _written(text: str) -> str:
    return (read_amount(text) or (text, None))[0]


def _last_separator(written: str, value: float) -> str:
    """Return the decimal separator of a number; its last separator, or the one it does not repeat.

    >>> _last_separator("1.299,00", 1299.0), _last_separator("1.299.000", 1299000.0)
    (',', ',')
    """
    separators = [character for character in written if character in ".,"]
    if not separators:
        return ""
    last = separators[-1]
    is_group = separators.count(last) > 1 and float(value).is_integer()
    return {",": ".", ".": ","}[last] if is_group else last
