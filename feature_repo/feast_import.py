"""Import Feast without typeguard, which triples the time of the import.

Feast decorates its classes with `typeguard.typechecked`, which compiles each of their methods
again in every process that imports Feast: three seconds of CPU.  Python's `-O` switches that off,
but assertions as well; typeguard has no other switch.
"""

import sys
from importlib.abc import MetaPathFinder
from typing import Any


class _BeforeFeast(MetaPathFinder):
    """Finds no module, but sees that Feast is about to be imported."""

    def find_spec(self, fullname: str, *_: Any) -> None:
        """Replace the decorator once."""
        if fullname == "feast":
            sys.meta_path.remove(self)
            import typeguard

            vars(typeguard)["typechecked"] = _unchanged


def _unchanged(decorated: Any) -> Any:
    return decorated


def skip_typechecks() -> None:
    """Let a later import of Feast leave its classes as they are written."""
    if "feast" not in sys.modules:
        sys.meta_path.insert(0, _BeforeFeast())
