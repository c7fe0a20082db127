"""One form for values that a shop writes in several ways, for filters and facets."""

import re
import unicodedata
from functools import lru_cache

_DECIMAL_COMMA = re.compile(r"-?\d+,\d{1,2}")
_ZEROS = re.compile(r"(-?\d+)(?:[.,]0+|([.,]\d*?[1-9])0+)")


LONGEST_CACHED = 64
"""Characters of a value whose form is cached: a request may have values of a megabyte."""


def folded_value(text: str) -> str:
    """Return the form that equal values share: without case, outer spaces and needless zeros.

    A comma with one or two digits after it is a decimal point.

    >>> folded_value("NIKE "), folded_value("New  Balance"), folded_value("39.0")
    ('nike', 'new balance', '39')
    >>> folded_value("39,50"), folded_value("Straße"), folded_value("1.10.0")
    ('39.5', 'strasse', '1.10.0')
    """
    return _cached(text) if len(text) <= LONGEST_CACHED else _folded(text)


def _folded(text: str) -> str:
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if _DECIMAL_COMMA.fullmatch(folded):
        folded = folded.replace(",", ".")
    number = _ZEROS.fullmatch(folded)
    return (number[1] + (number[2] or "")) if number else folded


_cached = lru_cache(maxsize=100_000)(_folded)
