"""The Jinja environment of pages: everything is escaped, and a missing variable is an error."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

LAYOUTS = Path(__file__).parent / "templates"


def environment(folder: Path) -> "Environment":
    """Return the environment of the templates in a folder; they may extend `layout.html`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader([folder, LAYOUTS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
