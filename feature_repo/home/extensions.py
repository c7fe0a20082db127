"""The specs that installed packages add to Aisle, by entry point group.

A shop's package lists each of its specs in its own pyproject.toml, for example

    [project.entry-points."aisle.views"]
    item_gifts = "shop_extras.views:ITEM_GIFTS"

`extensions("aisle.views")` then returns it under the name `item_gifts`. Nothing is scanned or
imported before the first call for a group, so `aisle --help` is not slowed down.
"""

import functools
from typing import Any, TypeVar, overload

from feature_repo.home.errors import ExtensionError

Spec = TypeVar("Spec")


@overload
def extensions(group: str) -> dict[str, object]: ...


@overload
def extensions(group: str, kind: type[Spec]) -> dict[str, Spec]: ...


def extensions(group: str, kind: type[Any] = object) -> dict[str, Any]:
    """Return the entry points of a group, loaded, by name, in the order of their names.

    Every call in one process returns the same objects. Raises ExtensionError if an entry point
    cannot be loaded or is not a `kind`, or if two packages use one name.
    """
    specs = {}
    for name, (package, value) in load_group(group).items():
        if not isinstance(value, kind):
            raise ExtensionError(
                package, group, name, f"an object of type {kind.__name__}", repr(value)
            )
        specs[name] = value
    return specs


def extension_names(group: str) -> list[str]:
    """Return the names of a group's entry points, sorted, without loading any of them."""
    from importlib import metadata

    return sorted(metadata.entry_points(group=group).names)


@functools.cache
def load_group(group: str) -> dict[str, tuple[str, object]]:
    """Load a group once per process: the package and the value of each name."""
    from importlib import metadata

    loaded: dict[str, tuple[str, object]] = {}
    packages = {
        (entry.name, entry.dist.name if entry.dist else entry.module): entry
        for entry in metadata.entry_points(group=group)
    }
    for (_, package), entry in sorted(packages.items()):
        if entry.name in loaded:
            other = f"the same name in package {loaded[entry.name][0]}"
            raise ExtensionError(package, group, entry.name, "a name that is unique", other)
        try:
            loaded[entry.name] = (package, entry.load())
        except Exception as error:  # A package's code may raise anything while it is imported.
            reason = f"{type(error).__name__}: {error}"
            raise ExtensionError(package, group, entry.name, entry.value, reason) from error
    return loaded
