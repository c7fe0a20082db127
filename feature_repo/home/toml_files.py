"""Files that people write in TOML."""

import tomllib
from pathlib import Path
from typing import Any

from feature_repo.home.errors import SettingError


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a file; empty where there is none.

    Raises:
        SettingError: the file cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SettingError(f"{path}: expected TOML: {error}.") from None
