"""Addresses of the storefront's pages."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

PREFIX = "/shop"


def address(path: str, parameters: Mapping[str, str] | Sequence[tuple[str, str]] = ()) -> str:
    """Return the address of a page of the storefront.

    >>> address("item", {"id": "a/b"})
    '/shop/item?id=a%2Fb'
    """
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    query = urlencode([(name, value) for name, value in pairs if value])
    return f"{PREFIX}/{path}" + (f"?{query}" if query else "")
