"""Protection from web pages, which can send requests from a browser to a service on its machine.

It matters where no key protects the home.  A page can let its own name point to 127.0.0.1 and read
answers (DNS rebinding): then `Host` is the page's name.  A page can also send a form without
reading the answer: then the browser adds `Origin` or `Sec-Fetch-Site`, and the body has the type of
a form.
"""

from collections.abc import Collection

from starlette.requests import Request

from serving.contract import ApiError
from training.pages import is_local_host

_READS = ("GET", "HEAD")
_FORMS = ("text/plain", "multipart/form-data")
"""Types of a body that any page may send.  The third, application/x-www-form-urlencoded, is what
curl sends by default; a page that sends it is recognized by its origin."""

_CURE = "; or make a key with `aisle key create`"


def check_page(request: Request, origins: Collection[str]) -> None:
    """Check that no page of another origin sent a request.

    Args:
        origins: those whose pages may send requests.

    Raises:
        ApiError: 403, another host or origin; 415, the body of a form.
    """
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not is_local_host(hosts[0]):
        raise ApiError(403, "Host", f"localhost or 127.0.0.1{_CURE}", ", ".join(hosts) or "none")
    if request.method in _READS:
        return
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    if origin in origins:
        return
    own = f"{request.scope['scheme']}://{hosts[0]}"
    if origin not in (None, own) or site not in ("none", "same-origin"):
        raise ApiError(403, "Origin", f"an origin of AISLE_CORS{_CURE}", origin or site)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and media_type in _FORMS:
        raise ApiError(415, "Content-Type", f"application/json{_CURE}", media_type)
