"""URLs of Redis servers: which ones every client of Aisle can use, Feast's too."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from redis.connection import parse_url

from feature_repo.home import SettingError

OPTIONS = frozenset(
    {
        *("client_name", "db", "health_check_interval", "max_connections", "password", "protocol"),
        *("socket_keepalive", "ssl_ca_certs", "ssl_ca_data", "ssl_ca_path", "ssl_cert_reqs"),
        *("ssl_certfile", "ssl_check_hostname", "ssl_ciphers", "ssl_keyfile", "ssl_password"),
        "username",
    }
)
"""Options of a URL that every client passes on.  Aisle sets deadlines and retries, and reads
bytes, so it does not accept others."""

_FORM = "redis://[[user]:password@]host[:port][/database][?option=value] or rediss://…"


def check_url(url: str) -> SplitResult:
    """Return the parts of a URL of one server.

    Raises:
        SettingError: it is another URL; the message has no secret.
    """
    shown = without_secret(url)
    try:
        parts = urlsplit(url)
        reason = next(_reasons(parts), None)
    except ValueError:
        shown = f"{url.partition('://')[0]}://…"
        reason = "It cannot be read: write special characters of a password as %23, not #."
    if reason:
        raise SettingError(f"REDIS_URL: expected {_FORM}, found {shown!r}. {reason}")
    return parts


def options_of(url: str) -> dict[str, Any]:
    """Return the parts of a valid URL besides host and port, by redis-py's names.

    Database 0 is left out: it is the default, and a cluster refuses the option.
    """
    parts = parse_url(url)  # type: ignore[no-untyped-call]
    options = {n: parts[n] for n in sorted(parts) if n in OPTIONS and (n != "db" or parts[n])}
    return options | ({"ssl": True} if url.startswith("rediss://") else {})


def without_secret(url: str) -> str:
    """Return a URL without user, password and options, for messages.

    >>> without_secret("redis://:secret@[::1]:6379/0?password=secret")
    'redis://[::1]:6379/0'
    """
    head, separator, rest = url.partition("://")
    return head + separator + rest.rpartition("@")[2].partition("?")[0]


def _reasons(parts: SplitResult) -> Iterator[str]:
    """Yield why a URL cannot be used.  Raises ValueError where it cannot be read."""
    scheme, hosts = parts.scheme, parts.netloc.rpartition("@")[2]
    if scheme == "unix":
        yield "Feast needs a host and a port, not a socket file: let the server listen on TCP."
    if "sentinel" in scheme:
        yield "The live state needs one server: give the address of the primary, not of Sentinel."
    if "cluster" in scheme or "," in hosts:
        yield "The live state needs one server, outside a cluster: give one address."
    if scheme not in ("redis", "rediss"):
        yield "The scheme is another one."
    if not re.fullmatch(r"/?\d*", parts.path) or parts.fragment:
        yield "The database is a number; write special characters of a password as %23, not #."
    if parts.port == 0:
        yield "Port 0 is none of a server."
    options = parse_qs(parts.query, keep_blank_values=True)
    if refused := sorted(options.keys() - OPTIONS):
        yield f"Expected options among {', '.join(sorted(OPTIONS))}, found {', '.join(refused)}."
    parse_url(f"redis://localhost?{parts.query}")  # type: ignore[no-untyped-call]
