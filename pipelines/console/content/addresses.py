"""Addresses of the console's pages."""

from collections.abc import Mapping
from urllib.parse import urlencode


def address(path: str, parameters: Mapping[str, str] | None = None) -> str:
    """Return the address of a page; parameters without a value are left out.

    >>> address("entity", {"of": "item:a/b", "at": ""})
    '/entity?of=item%3Aa%2Fb'
    """
    query = urlencode({name: value for name, value in (parameters or {}).items() if value})
    return f"/{path}" + (f"?{query}" if query else "")
