"""Evidence about the type of one field, counted from its values."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from feature_repo.events.contract import FieldValue
from feature_repo.shop import FieldType, read_amount, read_numbers, safe_column

SAMPLED = 50_000
"""Distinct pairs of entity and value that are sampled to measure repetition."""

MOST_TEXTS = 100
"""Distinct texts of a field that are counted."""

_TIME_WORD = re.compile(
    "date|time|datetime|timestamp|ts|epoch|day|at|on|since|until|created|updated|added|modified|"
    "published|released|release|launched|expires|birthday|born"
)
_NAME_WORD = re.compile(
    "ean|gtin|upc|isbn|asin|sku|mpn|barcode|id|group|zip|plz|postcode|phone|artnr"
)
"""Words of names of fields whose digits name something: no sum or range of them means anything."""

_CODE_WORD = re.compile("id|code|category|brand|type|class|group")
_CATEGORY_WORD = re.compile("category|brand|type|class|group|color|colour|size|gender|material")
_TITLE_WORD = re.compile("title|name|headline")
_PRICE_WORD = re.compile("price|cost|amount|msrp|rrp|uvp|preis|prix|precio|prezzo")
_NEARLY_ALL = 0.95
_LONGEST_CATEGORY = 60
_EARLIEST, _LATEST = -2_208_988_800, 4_102_444_800
"""1900 and 2100, in seconds since 1970."""
_UNITS_PER_SECOND = ((10**11, 1), (10**14, 1_000), (10**18, 1_000_000))
"""Numbers below the limit are in this unit: seconds, milliseconds or microseconds."""


def words_of(name: str) -> list[str]:
    """Return the words of a name, which may be in camel case.

    >>> words_of("brandName (EU)")
    ['brand', 'name', 'eu']
    """
    return safe_column(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).split("_")


class Evidence:
    """Counts of the values of one field, added one by one in bounded memory."""

    def __init__(self) -> None:
        self.values = 0
        self._shapes: Counter[str] = Counter()
        self._pairs: set[int] = set()
        self._distinct: set[int] = set()
        self._examples: list[str] = []
        self.texts: Counter[str] = Counter()
        self._lengths = 0
        self._least, self._most = float("inf"), float("-inf")

    def note(self, entity: str, value: FieldValue) -> None:
        """Count one value, once per entity; null counts nothing."""
        if value is None or not self._is_new(entity, value):
            return
        self.values += 1
        self._shapes.update(_shapes(value))
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._least, self._most = min(self._least, value), max(self._most, value)
        if isinstance(value, str):
            self._lengths += len(value)
        if isinstance(value, str | list) and not self.has_many_texts:
            self.texts.update([value] if isinstance(value, str) else value)
        if len(self._examples) < 3 and (shown := _shown(value)) not in self._examples:
            self._examples.append(shown)

    @property
    def has_many_texts(self) -> bool:
        """Whether the field has more texts than `texts` counts."""
        return len(self.texts) > MOST_TEXTS

    @property
    def distinct_share(self) -> float:
        """Distinct values divided by sampled values, 0 to 1."""
        return len(self._distinct) / len(self._pairs) if self._pairs else 0.0

    @property
    def mean_length(self) -> float:
        """The mean length of a text, in characters."""
        return self._lengths / max(self._shapes["text"], 1)

    def infer_type(self, name: str) -> tuple[FieldType, str]:
        """Return the type of the field with this name, and the reason."""
        hints = _words(name, _TIME_WORD)
        if self._share("list") >= 0.5 and self._share("list", "text") == 1:
            return "list", "values are lists of texts"
        if self._share("bool") == 1 or self._share("bool text") == 1:
            return "bool", "values are true or false"
        if self._share("time text") >= _NEARLY_ALL:
            return "time", "texts are ISO 8601 times"
        if hints and self._share("epoch") >= 0.5 and self._share("epoch", "small") == 1:
            return "time", f"numbers are times since 1970, and the name says {min(hints)!r}"
        amounts = ("money text",) if _words(name, _PRICE_WORD) else ()
        if self._share("number", "number text", *amounts) >= _NEARLY_ALL:
            return self._type_of_numbers(name)
        return self._type_of_texts(name)

    def summary(self) -> str:
        """Return counts and examples as one sentence."""
        counts = f"{self.values} values, {len(self._distinct)} distinct of {len(self._pairs)}"
        span = f", {self._least:g} to {self._most:g}" if self._least <= self._most else ""
        return f"{counts} ({self.distinct_share:.0%}){span}; such as {', '.join(self._examples)}."

    def _type_of_numbers(self, name: str) -> tuple[FieldType, str]:
        coded, named = _words(name, _CODE_WORD), _words(name, _NAME_WORD)
        if coded and self._share("whole") >= _NEARLY_ALL and self.distinct_share < 0.5:
            return "category", f"whole numbers that repeat, and the name says {min(coded)!r}"
        if self._share("trade number") >= _NEARLY_ALL and len(self._distinct) > 1:
            return "text", "whole numbers with the check digit of an EAN, UPC or GTIN"
        if named and self._share("whole") >= _NEARLY_ALL:
            return "text", f"numbers that name something, as the name says {min(named)!r}"
        return "number", "values are numbers"

    def _type_of_texts(self, name: str) -> tuple[FieldType, str]:
        if self._share("text") < _NEARLY_ALL:
            return "text", "values are of several types"
        if self.mean_length > _LONGEST_CATEGORY:
            return "text", f"texts are long, {self.mean_length:.0f} characters on average"
        if hints := _words(name, _CATEGORY_WORD):
            return "category", f"texts are short, and the name says {min(hints)!r}"
        if _words(name, _TITLE_WORD) and self.distinct_share > 0.3:
            return "text", "the name says that it is a title"
        if self.distinct_share > 0.8 and len(self._pairs) > 1:
            return "text", f"{self.distinct_share:.0%} of the texts are distinct"
        return "category", "texts repeat"

    def _is_new(self, entity: str, value: FieldValue) -> bool:
        key = tuple(value) if isinstance(value, list) else value
        pair = hash((entity, key))
        if pair in self._pairs:
            return False
        if len(self._pairs) < SAMPLED:
            self._pairs.add(pair)
            self._distinct.add(hash(key))
        return True

    def _share(self, *shapes: str) -> float:
        return sum(self._shapes[shape] for shape in shapes) / self.values if self.values else 0.0


def _shapes(value: FieldValue) -> Iterable[str]:
    match value:
        case bool():
            return ("bool",)
        case int() | float():
            if not float(value).is_integer():
                return ("number", _epoch_shape(value))
            trade = ("trade number",) if _is_trade_number(str(int(value))) else ()
            return ("number", _epoch_shape(value), "whole", *trade)
        case list():
            return ("list",)
        case str():
            return ("text", *_text_shapes(value))
    return ()


def _epoch_shape(value: float) -> str:
    """Return `epoch` for a number that can be an instant, `small` if it can also be a year.

    Any other number is `beyond`.
    """
    size = abs(value)
    unit = next((unit for limit, unit in _UNITS_PER_SECOND if size < limit), None)
    if unit is None or not _EARLIEST <= value / unit <= _LATEST:
        return "beyond"
    return "epoch" if size >= 10**8 else "small"


def _text_shapes(value: str) -> Iterable[str]:
    text = value.strip()
    if text.lower() in ("true", "false"):
        yield "bool text"
    if re.fullmatch(r"[+-]?(0|[1-9]\d{0,17})(\.\d+)?", text):
        yield "number text"
        if "." not in text:
            yield "whole"
        if _is_trade_number(text):
            yield "trade number"
    elif not text.isdigit() and read_numbers(text):
        yield "number text"
    elif (amount := read_amount(text)) and amount[1] and read_numbers(amount[0]):
        yield "money text"
    elif len(text) >= 10 and text[:4].isdigit() and _is_time(text):
        yield "time text"


def _is_trade_number(digits: str) -> bool:
    """Return whether digits are a GTIN of 8, 12, 13 or 14 digits: the last one checks the others.

    >>> _is_trade_number("4006381333931"), _is_trade_number("4006381333930")
    (True, False)
    """
    if len(digits) not in (8, 12, 13, 14) or not digits.isdigit():
        return False
    weighted = (int(digit) * (3, 1)[n % 2] for n, digit in enumerate(reversed(digits[:-1])))
    return (sum(weighted) + int(digits[-1])) % 10 == 0


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _words(name: str, pattern: re.Pattern[str]) -> list[str]:
    return [word for word in words_of(name) if pattern.fullmatch(word)]


def _shown(value: FieldValue, limit: int = 40) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
