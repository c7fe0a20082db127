"""Who may ask: keys with scopes, and how often each may.

Without keys a home is open to its own machine alone, however the service was started: what counts
is the address at which a request came in.
"""

import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from feature_repo.home import ApiKey, ApiKeys
from serving.contract import ApiError
from serving.state import WatchedFile

BURST_SECONDS = 1.0
"""How long a key may have been silent and spend at once what it saved."""

_BEARER = "bearer "


@dataclass
class Bucket:
    """Tokens of one key: `rate` a second, saved up for BURST_SECONDS, one a request."""

    rate: float
    tokens: float
    filled_at: float

    def wait(self, now: float) -> float:
        """Take a token; seconds until there is one, 0 where it was taken."""
        most = max(1.0, self.rate * BURST_SECONDS)
        self.tokens = min(most, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.rate
        self.tokens -= 1
        return 0.0


@dataclass
class Authentication:
    """Checks keys; the file of keys is followed while the service runs."""

    keys: WatchedFile[ApiKeys | None]
    seconds: Callable[[], float] = time.monotonic
    _buckets: dict[tuple[str, float], Bucket] = field(default_factory=dict)

    def check(self, request: Request, scope: str) -> None:
        """Let a request pass.

        Raises:
            ApiError: 401, no key; 403, a key for other things; 429, too often.
        """
        if self.keys.value is None:
            if not _is_loopback(request):
                raise _unauthorized("a service with keys: make one with `aisle key create`")
            return
        key = self.keys.value.holder(_secret(request))
        if key is None:
            raise _unauthorized("a key this service knows")
        if scope not in key.scopes:
            expected = f"a key with the scope {scope}"
            raise ApiError(403, "Authorization", expected, f"one with {', '.join(key.scopes)}")
        self._check_rate(key)

    def _check_rate(self, key: ApiKey) -> None:
        if key.rate is None:
            return
        now = self.seconds()
        bucket = self._buckets.setdefault(
            (key.name, key.rate), Bucket(key.rate, max(1.0, key.rate * BURST_SECONDS), now)
        )
        if wait := bucket.wait(now):
            raise ApiError(
                429,
                "rate",
                f"at most {key.rate:g} requests a second",
                "more",
                headers={"Retry-After": str(math.ceil(wait))},
            )


def _secret(request: Request) -> str:
    given = request.headers.get("authorization", "")
    return given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""


def _is_loopback(request: Request) -> bool:
    address = (request.scope.get("server") or ("",))[0]
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _unauthorized(expected: str) -> ApiError:
    """The 401; what was sent is not repeated."""
    return ApiError(401, "Authorization", expected, "none", headers={"WWW-Authenticate": "Bearer"})
