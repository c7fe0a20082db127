"""The key of the query entity, from a query's text and market."""

import hashlib
import unicodedata

QUERY_KEY_VERSION = 1
"""Raise it when `query_key` changes: models carry the version they were trained with."""

_LONGEST = 200


def query_key(text: str | None, market: str) -> str | None:
    """Give equal keys to queries that differ in case, width or white space only.

    Returns:
        `<market>|<folded text>`, a long text ending in a digest of the whole; None for a text
        that is absent or blank, which is no query.

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
