"""Static files of pages: stylesheets and the vendored htmx, each with an address that names its
content, so that browsers may store it for a year."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

THEME = (FOLDER / "theme.css").read_text(encoding="utf-8")
"""The stylesheet that all pages share."""


@dataclass(frozen=True)
class StaticFile:
    """A file in memory.

    Attributes:
        version: changes with the content.
    """

    name: str
    content: bytes
    media_type: str
    version: str


@cache
def static_file(name: str, folder: Path = FOLDER) -> StaticFile | None:
    """Return a static file of a folder, else of all pages; None where there is none to send.

    Args:
        name: without a folder.
        folder: of the files that a group of pages has besides the shared ones.
    """
    media_type = _TYPES.get(Path(name).suffix)
    path = next((each for each in (folder / name, FOLDER / name) if each.is_file()), None)
    if media_type is None or path is None or "/" in name:
        return None
    content = path.read_bytes()
    return StaticFile(name, content, media_type, hashlib.sha256(content).hexdigest()[:12])
