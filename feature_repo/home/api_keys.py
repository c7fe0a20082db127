"""Keys of the HTTP service: who may ask what, and how often.

A key is 32 random bytes, told once, when it is made; the home keeps its SHA-256 alone.  A secret of
that length cannot be guessed from its digest, so no slow hash is needed on the way of a request.
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

SCOPES = ("answers", "events", "users", "metrics")
"""Slates and what makes them; taking events; what is known of a person; metrics."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ApiKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the home keeps of a key.

    Attributes:
        name: who holds it.
        scopes: some of SCOPES.
        sha256: of the secret, in hexadecimal.
        rate: requests a second each process of the service grants it; None is as many as it likes.
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
        """Read the keys; None where none was ever made, which leaves the service open on loopback.

        Raises:
            SettingError: the file is damaged.
        """
        try:
            found = msgspec.json.decode(path.read_bytes(), type=list[ApiKey])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise SettingError(
                f"{path}: expected a JSON list of keys, found something else ({error}). "
                "Delete the file and make the keys anew with `aisle key create`."
            ) from error
        return cls({key.name: key for key in found})

    def holder(self, secret: str) -> ApiKey | None:
        """The key with this secret."""
        digest = _digest(secret)
        return next((key for key in self.keys.values() if key.sha256 == digest), None)

    def with_new(
        self, name: str, scopes: Iterable[str], rate: float | None = None
    ) -> tuple["ApiKeys", str]:
        """These and a new key, and its secret, which is kept nowhere.

        Raises:
            SettingError: a name that is none or is taken, an unknown scope, a rate that is none.
        """
        wanted = tuple(dict.fromkeys(scopes))
        if not _NAME.fullmatch(name) or name in self.keys:
            raise SettingError(
                f"name: expected small letters, digits, - and _, not in use yet, found {name!r}."
            )
        if not wanted or not set(wanted) <= set(SCOPES):
            raise SettingError(f"scope: expected some of {', '.join(SCOPES)}, found {wanted}.")
        if rate is not None and not 0 < rate < float("inf"):
            raise SettingError(f"rate: expected requests a second, more than 0, found {rate}.")
        secret = secrets.token_urlsafe(32)
        return ApiKeys({**self.keys, name: ApiKey(name, wanted, _digest(secret), rate)}), secret

    def without(self, name: str) -> "ApiKeys":
        """These but for one.

        Raises:
            SettingError: there is no such key.
        """
        if name not in self.keys:
            known = ", ".join(self.keys) or "none"
            raise SettingError(f"name: expected one of the keys ({known}), found {name!r}.")
        return ApiKeys({key: value for key, value in self.keys.items() if key != name})

    def save(self, path: Path) -> None:
        """Write the keys, readable by the home's owner alone."""
        with replacing(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_bytes(msgspec.json.encode(list(self.keys.values())))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
