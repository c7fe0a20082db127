"""Names that a sender probably meant."""

import unicodedata
from collections.abc import Iterable


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like another; None if none is.

    A name is like another if they differ in case and separators alone, in one letter, or in two of
    eight or more; two letters that change places count as one.

    >>> nearest_name("pirce", ["title", "price"]), nearest_name("List Price", ["list_price"])
    ('price', 'list_price')
    >>> nearest_name("genre", ["title", "price"])
    """
    from rapidfuzz.distance import OSA

    folded, best, fewest = _folded(name), None, 3
    for candidate in names:
        other = _folded(candidate)
        most = 0 if len(folded) < 4 else 1 if len(folded) < 8 else 2
        edits = OSA.distance(folded, other, score_cutoff=most)
        if edits <= most and edits < fewest:
            best, fewest = candidate, edits
    return best


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return a question for the name that a sender probably meant; empty if none is like it.

    A name that starts with another, or another with it, is like it too.

    >>> did_you_mean("filter", ["filters", "query"]), did_you_mean("q", ["filters", "query"])
    ('Did you mean filters?', 'Did you mean query?')
    """
    listed = list(names)
    nearest = nearest_name(name, listed) or next(
        (one for one in listed if one.startswith(name) or name.startswith(f"{one}_")), None
    )
    return f"Did you mean {nearest}?" if nearest and name else ""


def _folded(name: str) -> str:
    normal = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in normal if letter.isalnum())
