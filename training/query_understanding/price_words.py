"""Price limits in words: "under 50", "unter 1.000 €", "50-80 €", "5000円以下".

A number limits the price only if its phrase can mean nothing else, or if a currency or the word
"price" comes with it; never if a unit follows, or if the title of an item has the phrase.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from feature_repo.shop import CURRENCIES, SHARED_SIGNS
from training.query_understanding.price_phrases import (
    AFTER_AT_LEAST,
    AFTER_AT_MOST,
    AT_LEAST,
    AT_LEAST_WEAK,
    AT_MOST,
    AT_MOST_WEAK,
    BETWEEN,
    BETWEEN_WEAK,
    DOUBTFUL,
    NOT_LESS,
    OF_CURRENCY_AT_LEAST,
    OF_CURRENCY_AT_MOST,
    PRICE,
    TO,
    UNITS,
)
from training.query_understanding.words import words

LONGEST_QUERY = 500
_MULTIPLES = {
    **{"万": 10_000, "만": 10_000, "萬": 10_000, "千": 1_000, "천": 1_000},
    **{"nghìn": 1_000, "ngàn": 1_000, "triệu": 1_000_000, "พัน": 1_000, "หมื่น": 10_000},
    **{"ribu": 1_000, "rb": 1_000, "juta": 1_000_000, "jt": 1_000_000},
    **{"k": 1_000, "tr": 1_000_000},
}
_SHORT_MULTIPLES = {"k": ("VND", "IDR"), "tr": ("VND",), "rb": ("IDR",), "jt": ("IDR",)}
"""Letters that multiply a price in the markets of some currencies alone."""

_UNSPACED = "ก-๎ぁ-んァ-ヶー一-龥가-힣"
"""Letters of scripts that do not separate words: a phrase or number may follow any of them."""


def _any_of(phrases: Iterable[str]) -> str:
    """Return a pattern of any of the phrases, the longest first."""
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return "|".join(map(re.escape, ordered))


def _begun_by(phrases: Iterable[str]) -> str:
    """Return a pattern of any of the phrases where a word may begin."""
    unspaced = [phrase for phrase in phrases if re.match(f"[{_UNSPACED}]", phrase)]
    spaced = [phrase for phrase in phrases if phrase not in unspaced]
    patterns = [rf"(?<!\w)(?:{_any_of(spaced)})"] if spaced else []
    return "|".join([*patterns, *([_any_of(unspaced)] if unspaced else [])])


_CODES = {
    **{
        word: frozenset({code})
        for code, listed in CURRENCIES.items()
        for word in listed.split()
        if word != "kroner"
    },
    "kroner": frozenset({"NOK", "DKK"}),
    "元": frozenset({"CNY", "TWD", "HKD"}),
    **SHARED_SIGNS,
}
"""Currencies that each sign or word may mean."""

_SIGN = rf"(?:{_any_of(_CODES)})"
_TIMES = "|".join(
    rf"{times}(?![^\W\d_])" if times.isascii() else times
    for times in sorted(_MULTIPLES, key=len, reverse=True)
)
_DIGITS = (
    r"\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})+(?:[.,]\d{1,2})?(?!\d)"
    r"|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)"
    r"|\d{1,12}(?:[.,]\d{1,2})?(?![.,]?\d)"
)
_NUMBER_AHEAD = r"(?=[^\W\d_]{0,8}[^\w\s]?\s?\d)"
"""Skips the positions where no number follows, before the signs of currencies are tried."""

_NO_UNIT = rf"(?!\s*(?:{_any_of(UNITS.split())})(?![^\W\d_]))(?![\w%\"″°×])(?!\s*[x×/]\s*\d)"
_LABEL = re.compile(rf"(?<!\w)(?:{_any_of(PRICE.split('|'))})\s*:?\s*$", re.IGNORECASE)


def _money(name: str) -> str:
    """Return a pattern of a number with a currency before or after it, or without one."""
    return (
        rf"{_NUMBER_AHEAD}(?:(?P<{name}_before>{_SIGN})\.?\s*)?(?P<{name}>{_DIGITS})"
        rf"(?:\s?(?P<{name}_times>{_TIMES})|[.,:][-–—]{{1,2}})?"
        rf"(?:\s*(?P<{name}_after>{_SIGN})(?![^\W\d_{_UNSPACED}])\.?)?"
    )


@dataclass(frozen=True)
class _Rule:
    """A phrase with one or two numbers.

    Attributes:
        before, between, after: phrases before, between and after the numbers, with `|`; empty
            where there are none.
        is_strong: whether it limits a price without a currency.
        ends: which limits its numbers are: low, high or both.
    """

    before: str
    between: str
    after: str
    is_strong: bool
    ends: Sequence[str]

    def matches(self, text: str) -> Iterator["re.Match[str]"]:
        """Find the rule in a text, whose words are separated by single spaces."""
        lowered = text.lower()
        present = []
        for phrases in (self.before, self.between, self.after):
            some = tuple(phrase for phrase in phrases.split("|") if phrase in lowered)
            if phrases and not some:
                return iter(())
            present.append(some if phrases else ())
        return _pattern(*present).finditer(text)


@lru_cache(maxsize=2_000)
def _pattern(
    before: tuple[str, ...], between: tuple[str, ...], after: tuple[str, ...]
) -> "re.Pattern[str]":
    """Return the pattern of a rule, given its phrases that a text has."""
    first = rf"(?:{_begun_by(before)})[\s:]*" if before else rf"(?<![^\W{_UNSPACED}])(?<![.,-])"
    second = rf"\s*(?:{_any_of(between)})\s*{_money('two')}" if between else ""
    last = rf"\s*['’-]?(?:{_any_of(after)})(?![a-zà-ÿ])" if after else _NO_UNIT
    return re.compile(f"{first}{_money('one')}{second}{last}", re.IGNORECASE)


_LOW, _HIGH, _BOTH = ("low",), ("high",), ("low", "high")
_RULES = [
    *(_Rule(one, two, "", True, _BOTH) for one, two in BETWEEN),
    *(_Rule(one, two, "", False, _BOTH) for one, two in BETWEEN_WEAK),
    _Rule("", TO, "", False, _BOTH),
    _Rule(NOT_LESS, "", "", True, _LOW),
    _Rule(AT_MOST, "", "", True, _HIGH),
    _Rule("", "", OF_CURRENCY_AT_MOST, True, _HIGH),
    _Rule("", "", OF_CURRENCY_AT_LEAST, True, _LOW),
    _Rule("", "", AFTER_AT_MOST, False, _HIGH),
    _Rule("", "", AFTER_AT_LEAST, False, _LOW),
    _Rule(AT_MOST_WEAK, "", "", False, _HIGH),
    _Rule(AT_LEAST, "", "", True, _LOW),
    _Rule(AT_LEAST_WEAK, "", "", False, _LOW),
]
"""In the order of their use: a negated phrase such as "no more than" is before "more than"."""


@dataclass(frozen=True)
class PriceLimits:
    """The inclusive price limits of a query, and the rest of its text.

    Attributes:
        currencies: those that the words may mean; empty without any.
    """

    text: str
    low: float | None = None
    high: float | None = None
    currencies: frozenset[str] = frozenset()


def read_price_limits(
    text: str, in_titles: Collection[str] = (), currency: str | None = None
) -> PriceLimits:
    """Separate the price limits of a query from its text, which may become empty.

    Args:
        text: the query.
        in_titles: phrases with a number that titles have, as `number_phrases` returns them; they
            limit a price only with a currency.
        currency: of the market; None where it is not declared.

    >>> read_price_limits("red shoes under $50").high, read_price_limits("schuhe ab 1.000 €").low
    (50.0, 1000.0)
    >>> read_price_limits("shoes from 20 to 40 euros").text
    'shoes'
    >>> read_price_limits("under armour"), read_price_limits("air max 90").high
    (PriceLimits(text='under armour', low=None, high=None, currencies=frozenset()), None)
    """
    limits = PriceLimits(text)
    if len(text) > LONGEST_QUERY or not any(map(str.isdigit, text)):
        return limits
    ends: dict[str, float] = {}
    currencies: frozenset[str] = frozenset()
    text = " ".join(unicodedata.normalize("NFC", text).split())
    for rule in _RULES:
        if set(rule.ends) & ends.keys():
            continue
        accepted = (m for m in rule.matches(text) if _is_price(m, rule, in_titles, currency))
        match = next(accepted, None)
        if match is None:
            continue
        numbers = sorted(_numbers(match))
        ends |= dict(zip(rule.ends, numbers, strict=True))
        currencies |= _currencies(match)
        before = _LABEL.sub("", text[: match.start()])
        text = " ".join(f"{before} {text[match.end() :]}".split())
    return PriceLimits(text, ends.get("low"), ends.get("high"), currencies)


def number_phrases(title: str) -> set[str]:
    """Return the phrases of a title that would limit a price in a query.

    >>> number_phrases("Vitamins for women over 50")
    {'over 50'}
    """
    if not any(map(str.isdigit, title)):
        return set()
    text = " ".join(unicodedata.normalize("NFC", title[:LONGEST_QUERY]).split())
    return {
        " ".join(words(match[0]))
        for rule in _RULES
        if rule.is_strong
        for match in rule.matches(text)
    }


def _is_price(
    match: "re.Match[str]", rule: _Rule, in_titles: Collection[str], currency: str | None
) -> bool:
    doubtful = [sign for sign in _signs(match) if sign in DOUBTFUL]
    if any((currency or DOUBTFUL[sign]) not in _CODES[sign] for sign in doubtful):
        return False
    times = [value.casefold() for name, value in _named(match) if name.endswith("_times")]
    if any(currency not in _SHORT_MULTIPLES.get(one, (currency,)) for one in times):
        return False
    if _currencies(match) or _LABEL.search(match.string[: match.start()]):
        return True
    return rule.is_strong and " ".join(words(match[0])) not in in_titles


def _currencies(match: "re.Match[str]") -> frozenset[str]:
    return frozenset[str]().union(*(_CODES[sign] for sign in _signs(match)))


def _signs(match: "re.Match[str]") -> list[str]:
    return [s.casefold() for name, s in _named(match) if name.endswith(("_before", "_after"))]


def _named(match: "re.Match[str]") -> list[tuple[str, str]]:
    """Return the groups of a match that have a text, by name."""
    return [(name, text) for name, text in match.groupdict().items() if text]


def _numbers(match: "re.Match[str]") -> list[float]:
    groups = match.groupdict()
    return [
        _number(groups[name]) * _MULTIPLES.get((groups[f"{name}_times"] or "").casefold(), 1)
        for name in ("one", "two")
        if groups.get(name)
    ]


def _number(text: str) -> float:
    """Read a number; three digits after a separator are thousands.

    >>> _number("1.000"), _number("1,000.50"), _number("49,90"), _number("1 000")
    (1000.0, 1000.5, 49.9, 1000.0)
    >>> _number("1,00,000")
    100000.0
    """
    digits = re.sub(r"[.,'’\s](?=\d{3}(?!\d))|,(?=\d{2},)", "", text)
    return float(digits.replace(",", "."))
