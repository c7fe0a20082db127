"""Authentication by API key, and the request rate of each key.

A home without keys answers only requests that arrive at a loopback address, whatever address the
service is bound to, and that no web page of another origin sent.
"""

import ipaddress
import math
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from starlette.requests import Request

from feature_repo.home import SCOPES, ApiKey, ApiKeys
from serving.access.web_pages import check_page
from serving.contract import ApiError
from serving.state import WatchedFile

BURST_SECONDS = 1.0
"""How many seconds of its rate an idle key may spend in one burst."""

_BEARER = "bearer "


@dataclass
class Bucket:
    """Token bucket of one key: `rate` tokens a second, one per request."""

    rate: float
    tokens: float
    filled_at: float

    def take(self, now: float) -> float:
        """Take a token; return 0, or without a token the seconds until there is one."""
        capacity = max(1.0, self.rate * BURST_SECONDS)
        self.tokens = min(capacity, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


@dataclass
class Authentication:
    """Checks the keys of requests against the home's key file, which may change at any time.

    Attributes:
        origins: those whose pages may use the service, as for CORS.
    """

    keys: WatchedFile[ApiKeys | None]
    origins: tuple[str, ...] = ()
    seconds: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, float], Bucket] = field(default_factory=dict)

    def check(self, request: Request, scope: str) -> Collection[str]:
        """Check that a request may use endpoints of a scope; return all scopes of the sender.

        Raises:
            ApiError: 401, no valid key; 403, a key without the scope, or a web page without a key;
                415, a form without a key; 429, over the key's rate.
        """
        if self.keys.value is None:
            if not arrives_at_loopback(request):
                raise _unauthorized("a service with keys: make one with `aisle key create`")
            check_page(request, self.origins)
            return SCOPES
        key = self.keys.value.holder(_secret(request))
        if key is None:
            raise _unauthorized("a valid key")
        check_scope(key.scopes, scope)
        self._check_rate(key)
        return key.scopes

    def _check_rate(self, key: ApiKey) -> None:
        if key.rate is None:
            return
        now = self.seconds()
        bucket = self._buckets.setdefault(
            (key.name, key.rate), Bucket(key.rate, max(1.0, key.rate * BURST_SECONDS), now)
        )
        if wait := bucket.take(now):
            raise ApiError(
                429,
                "rate",
                f"at most {key.rate:g} requests a second",
                "more",
                headers={"Retry-After": str(math.ceil(wait))},
            )


def check_scope(scopes: Collection[str], scope: str) -> None:
    """Check that a sender with some scopes may do what needs another.

    Raises:
        ApiError: 403.
    """
    if scope not in scopes:
        expected, actual = f"a key with the scope {scope}", f"one with {', '.join(scopes)}"
        raise ApiError(403, "Authorization", expected, actual)


def _secret(request: Request) -> str:
    header = request.headers.get("authorization", "")
    return header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else ""


def arrives_at_loopback(request: Request) -> bool:
    """Return whether a request was sent to a loopback address of this machine."""
    address = (request.scope.get("server") or ("",))[0]
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _unauthorized(expected: str) -> ApiError:
    """Return the 401; it does not repeat the secret of the request."""
    return ApiError(401, "Authorization", expected, "none", headers={"WWW-Authenticate": "Bearer"})
