"""The key of the query entity, from a query's text and market."""

import hashlib
import unicodedata
from functools import lru_cache

QUERY_KEY_VERSION = 1
"""Increase it when `query_key` changes: a model stores the version of its training data."""

_LONGEST = 200


@lru_cache(maxsize=1024)
def query_key(text: str | None, market: str) -> str | None:
    """Return one key for all queries that differ only in case, width or white space.

    Returns:
        `<market>|<folded text>`; a long text is cut and ends in a digest of the full text. None if
        the text is absent or blank.

    >>> query_key("  Red   SHOES ", "uk")
    'uk|red shoes'
    """
    folded = " ".join(unicodedata.normalize("NFKC", text or "").casefold().split())
    if not folded:
        return None
    if len(folded) > _LONGEST:
        digest = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        folded = f"{folded[:_LONGEST]}…{digest}"
    return f"{market}|{folded}"
