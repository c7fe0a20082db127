"""The names of columns and keys: one spelling for all that shops and languages use."""

import functools
import re
from collections.abc import Mapping
from typing import Any

Raw = Mapping[str, Any]
"""One product or order line: an object of JSON, a row of a table, or an element of a feed."""

Names = tuple[tuple[str, str], ...]
"""Pairs of a spelling, as `plain_name` writes it, and the name that it means."""


def plain_name(name: str) -> str:
    """Return a name in lower case with one space between its words, without a prefix `g:`.

    >>> plain_name("g:imageLink"), plain_name("In stock?"), plain_name("SALE_PRICE")
    ('image link', 'in stock', 'sale price')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.removeprefix("g:").lstrip("\ufeff"))
    return " ".join(re.findall(r"[^\W_]+", words.casefold()))


def names(**spellings: str) -> Names:
    """Return the spellings of names; each name is also its first spelling.

    Args:
        spellings: name → its other spellings, with ` | ` between them.
    """
    pairs = [(plain_name(name), name) for name in spellings]
    for name, listed in spellings.items():
        pairs += [(plain_name(one), name) for one in listed.split("|") if one.strip()]
    return tuple(dict(reversed(pairs)).items())


def renamed(raw: Raw, spellings: Names) -> dict[str, Any]:
    """Return an object with the names of its keys; a key without a name is unchanged.

    Of two keys with one name the first that has a value counts; the other is unchanged.
    """
    row: dict[str, Any] = {}
    for key, name in _renaming(tuple(raw), spellings).items():
        row[name if row.get(name) in (None, "") else key] = raw[key]
    return row


def names_of(raw: Raw, spellings: Names) -> frozenset[str]:
    """Return the names of an object's keys."""
    return _names(tuple(raw), spellings)


@functools.lru_cache(maxsize=1_000)
def _names(keys: tuple[str, ...], spellings: Names) -> frozenset[str]:
    return frozenset(_renaming(keys, spellings).values())


@functools.lru_cache(maxsize=1_000)
def _renaming(keys: tuple[str, ...], spellings: Names) -> dict[str, str]:
    by_spelling = dict(spellings)
    named = {key: by_spelling.get(plain_name(key), key) for key in keys}
    return dict(sorted(named.items(), key=lambda pair: pair[0] != pair[1]))
