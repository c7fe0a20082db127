"""The headers of a page, which loads only files of its own host and images of named hosts; and the
check that a request names this machine.

A page has no inline script and no inline style, so a text of the shop that reaches the page as HTML
could neither run nor load anything.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)


def page_headers(image_origins: Iterable[str] = ()) -> dict[str, str]:
    """Return the headers of a page that shows images of some origins, as `image_origin` names them.

    >>> page_headers(["https://img.example"])["Content-Security-Policy"].split("; ")[-1]
    "img-src 'self' https://img.example"
    """
    images = " ".join(["img-src 'self'", *sorted(set(image_origins))])
    return {
        "Content-Security-Policy": "; ".join([*_POLICY, images]),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "same-origin",
    }


def image_origin(address: object) -> str | None:
    """Return the origin of an image's address; None for what is not an absolute web address.

    >>> image_origin("https://IMG.example:8443/a.jpg?w=1"), image_origin("javascript:alert(1)")
    ('https://img.example:8443', None)
    """
    if not isinstance(address, str):
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host) or parts.username:
        return None
    return f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def is_local_host(host: str) -> bool:
    """Return whether a `Host` header names this machine.

    A page of another site can let its own name point to 127.0.0.1 and read answers (DNS rebinding);
    then `Host` is the name of that site.

    >>> is_local_host("localhost:3001"), is_local_host("[::1]:80"), is_local_host("shop.example")
    (True, True, False)
    """
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name.lower().rstrip(".") == "localhost"
