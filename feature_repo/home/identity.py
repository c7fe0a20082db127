"""The identity of a home: it names its Feast project and marks its keys in Redis.

The first use of a home stores it in the folder, so it stays when the folder is moved or renamed.
Two homes have different projects even if their folders have one name.
"""

import json
import re
import secrets
from pathlib import Path

import msgspec

from feature_repo.home.atomic_files import create_once
from feature_repo.home.errors import SettingError

_LONGEST_NAME = 40
_PROJECT = re.compile(r"^project: (\S+)$", re.MULTILINE)


class HomeIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The identity of one home.

    Attributes:
        id: 32 random hexadecimal digits.
        project: name of its Feast project, which all its keys in Redis contain.
    """

    id: str
    project: str

    @classmethod
    def of(cls, path: Path, name: str, old_project: str | None) -> "HomeIdentity":
        """Return the identity that a file contains; the first call writes it.

        Args:
            path: of the file.
            name: of the home, of which the project's name has the ASCII letters and digits.
            old_project: of a home that had a project before it had an identity.

        Raises:
            SettingError: the file is damaged, or cannot be written.
        """
        try:
            if not path.exists():
                create_once(path, msgspec.json.encode(_new(name, old_project)) + b"\n")
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except msgspec.MsgspecError as error:
            raise SettingError(
                f"{path}: expected the identity of a home, found something else ({error}). Restore "
                "the file; or delete it and registry.db, then run `aisle refresh`."
            ) from None
        except OSError as error:
            raise SettingError(
                f"{path}: expected to read or write the identity of the home, found: {error}. "
                "Check the folder's permissions."
            ) from error


def project_of(feature_store_yaml: Path) -> str | None:
    """Return the project in a rendered `feature_store.yaml`; None where it has none."""
    try:
        match = _PROJECT.search(feature_store_yaml.read_text(encoding="utf-8"))
        return str(json.loads(match[1])) if match else None
    except (OSError, ValueError):
        return None


def _new(name: str, old_project: str | None) -> HomeIdentity:
    identity = secrets.token_hex(16)
    words = re.findall(r"[a-z0-9]+", name.lower())
    readable = "_".join(words)[:_LONGEST_NAME].strip("_")
    parts = [part for part in ("aisle", readable, identity[:8]) if part]
    return HomeIdentity(identity, old_project or "_".join(parts))
