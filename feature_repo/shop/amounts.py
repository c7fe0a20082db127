"""Read numbers as people write them: "49,90", "1.299,00", "1 299", "49,90 €".

A text may have more than one reading: "1,299" is 1.299 or 1299.  Only a text with one reading is
a number.
"""

import re
import unicodedata
from functools import lru_cache

from feature_repo.shop.currencies import CURRENCIES, SHARED_SIGNS

LONGEST_AMOUNT = 64
"""Characters of a text that may be a number."""

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"([+-]?)(\d{1,3}(?:[ ']\d{3})+)(?:[.,](\d+))?")
_SEPARATED = re.compile(r"([+-]?)(\d*)((?:[.,]\d+)+)")
_GROUPS = re.compile(r"\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}")
_NO_CENTS = re.compile(r"[.,][-–—]{1,2}$")
_AMOUNT = re.compile(
    r"([^\d+\-,'\s]*?)\s*([+-]?[.,]?\d(?:[\d.,' ]*\d)?(?:[.,][-–—]{1,2})?)\s*([^\d+\-,'\s]*)"
)
_SAME = str.maketrans({"’": "'", "٫": ".", "٬": "'", "−": "-", "\u00a0": " ", "\u202f": " "})
_CODES = {
    word: code for code, listed in CURRENCIES.items() for word in (code.lower(), *listed.split())
} | {code.lower(): code for codes in SHARED_SIGNS.values() for code in codes}


def read_numbers(text: str) -> tuple[float, ...]:
    """Return every number that a text can mean, the one of a decimal separator first.

    >>> read_numbers("49,90"), read_numbers("1.299,00"), read_numbers("1 299")
    ((49.9,), (1299.0,), (1299.0,))
    >>> read_numbers("1,299"), read_numbers("1,299,000"), read_numbers("1.2.3")
    ((1.299, 1299.0), (1299000.0,), ())
    """
    return _read_numbers(text) if len(text) <= LONGEST_AMOUNT else ()


@lru_cache(maxsize=10_000)
def _read_numbers(text: str) -> tuple[float, ...]:
    plain = _NO_CENTS.sub("", _in_ascii(text))
    if match := _GROUPED.fullmatch(plain):
        return (_number(match[1], re.sub("[ ']", "", match[2]), match[3]),)
    if match := _SEPARATED.fullmatch(plain):
        return _readings(*match.groups())
    return (float(plain),) if _PLAIN.fullmatch(plain) else ()


def read_amount(text: str) -> tuple[str, str | None] | None:
    """Split an amount of money into its number and its currency, a code or a shared sign.

    Returns:
        None if the text is no amount.

    >>> read_amount("49,90 €"), read_amount("USD 1,299.00"), read_amount("$5"), read_amount("5 kg")
    (('49,90', 'EUR'), ('1,299.00', 'USD'), ('5', '$'), None)
    """
    match = _AMOUNT.fullmatch(_in_ascii(text)) if len(text) <= LONGEST_AMOUNT else None
    if match is None or (match[1] and match[3]):
        return None
    sign = (match[1] or match[3]).casefold().rstrip(".")
    if not sign:
        return match[2], None
    currency = sign if sign in SHARED_SIGNS else _CODES.get(sign)
    return None if currency is None else (match[2], currency)


def _readings(sign: str, whole: str, rest: str) -> tuple[float, ...]:
    """Return the numbers of digits with points and commas between them."""
    separators = re.findall("[.,]", rest)
    last, decimals = separators[-1], re.split("[.,]", rest)[-1]
    before = (whole + rest)[: -len(decimals) - 1]
    if len(separators) == 1:
        is_group = len(decimals) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0"
        decimal = _number(sign, whole, decimals)
        return (decimal, _number(sign, whole + decimals)) if is_group else (decimal,)
    if len(set(separators)) == 1:
        digits = whole + rest
        return (_number(sign, _digits(digits)),) if _GROUPS.fullmatch(digits) else ()
    if last in separators[:-1] or not _GROUPS.fullmatch(before):
        return ()
    return (_number(sign, _digits(before), decimals),)


def _digits(text: str) -> str:
    return re.sub("[.,]", "", text)


def _number(sign: str, whole: str, decimals: str | None = None) -> float:
    return float(f"{sign}{whole or '0'}.{decimals or '0'}")


def _in_ascii(text: str) -> str:
    """Return a text with the digits and separators of ASCII."""
    normal = unicodedata.normalize("NFKC", text.translate(_SAME)).strip()
    if normal.isascii():
        return normal
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in normal)
