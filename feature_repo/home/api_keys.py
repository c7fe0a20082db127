"""API keys of the HTTP service: the scopes and the rate limit of each client.

A secret is 32 random bytes, printed once when the key is created; the home stores only its SHA-256.
A secret of that length cannot be guessed from its digest, so requests need no slow hash.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from feature_repo.home.atomic_files import replacing
from feature_repo.home.errors import SettingError

SCOPES = ("answers", "events", "users", "metrics", "operate")
"""Scopes: slates, features and models; sending events; data of a user; metrics; models and rules,
which the console changes."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ApiKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stored part of a key.

    Attributes:
        name: name of the client.
        scopes: some of SCOPES.
        sha256: digest of the secret, in hexadecimal.
        rate: limit of requests a second in each process of the service; None for no limit.
    """

    name: str
    scopes: tuple[str, ...]
    sha256: str
    rate: float | None = None


@dataclass(frozen=True)
class ApiKeys:
    """All keys of a home, by name."""

    keys: Mapping[str, ApiKey] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "ApiKeys | None":
        """Read the keys; None if no key was ever created, so the service is open on loopback.

        Raises:
            SettingError: the file is damaged.
        """
        try:
            keys = msgspec.json.decode(path.read_bytes(), type=list[ApiKey])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise SettingError(
                f"{path}: expected a JSON list of keys, found something else ({error}). "
                "Delete the file and create the keys again with `aisle key create`."
            ) from error
        return cls({key.name: key for key in keys})

    def holder(self, secret: str) -> ApiKey | None:
        """Return the key with this secret."""
        digest = _digest(secret)
        return next((key for key in self.keys.values() if key.sha256 == digest), None)

    def with_new(
        self, name: str, scopes: Iterable[str], rate: float | None = None
    ) -> tuple["ApiKeys", str]:
        """Return the keys with a new one added, and its secret, which is never stored.

        Raises:
            SettingError: the name is invalid or in use, a scope unknown, or the rate not positive.
        """
        requested = tuple(dict.fromkeys(scopes))
        if not _NAME.fullmatch(name) or name in self.keys:
            raise SettingError(
                f"name: expected an unused name of a-z, 0-9, - and _, found {name!r}."
            )
        if not requested or not set(requested) <= set(SCOPES):
            raise SettingError(f"scope: expected some of {', '.join(SCOPES)}, found {requested}.")
        if rate is not None and not 0 < rate < float("inf"):
            raise SettingError(f"rate: expected requests a second, more than 0, found {rate}.")
        secret = secrets.token_urlsafe(32)
        return ApiKeys({**self.keys, name: ApiKey(name, requested, _digest(secret), rate)}), secret

    def without(self, name: str) -> "ApiKeys":
        """Return the keys with one removed.

        Raises:
            SettingError: no key has this name.
        """
        if name not in self.keys:
            names = ", ".join(self.keys) or "none"
            raise SettingError(f"name: expected one of the keys ({names}), found {name!r}.")
        return ApiKeys({key: value for key, value in self.keys.items() if key != name})

    def save(self, path: Path) -> None:
        """Write the keys to a file that only the home's owner can read."""
        with replacing(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_bytes(msgspec.json.encode(list(self.keys.values())))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
