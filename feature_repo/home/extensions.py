"""The specs that installed packages add to Aisle, by entry point group.

A shop's package lists each of its specs in its own pyproject.toml, for example

    [project.entry-points."aisle.views"]
    item_gifts = "shop_extras.views:ITEM_GIFTS"

`extensions("aisle.views")` then returns it under the name `item_gifts`. Nothing is scanned or
imported before the first call for a group, so `aisle --help` is not slowed down.
"""

import functools
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from feature_repo.home.errors import ExtensionError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Spec = TypeVar("Spec")

EXTENSION_GROUPS = (
    "aisle.dialects",
    "aisle.evaluations",
    "aisle.request_features",
    "aisle.pipelines",
    "aisle.sources",
    "aisle.steps",
    "aisle.views",
)
"""The entry point groups that Aisle reads."""


@overload
def extensions(group: str) -> dict[str, object]: ...


@overload
def extensions(group: str, kind: type[Spec]) -> dict[str, Spec]: ...


def extensions(group: str, kind: type[Any] = object) -> dict[str, Any]:
    """Return the entry points of a group, loaded, by name, in the order of their names.

    Every call in one process returns the same objects. Raises ExtensionError if an entry point
    cannot be loaded or is not a `kind`, if its `name` is not the entry point's, or if two packages
    use one name.
    """
    specs = {}
    for name, (package, value) in load_group(group).items():
        if not isinstance(value, kind):
            raise ExtensionError(
                package, group, name, f"an object of type {kind.__name__}", repr(value)
            )
        own_name = getattr(value, "name", name)
        if isinstance(own_name, str) and own_name != name:
            raise ExtensionError(
                package,
                group,
                name,
                "an object of the entry point's name",
                f"the name {own_name!r}",
                "Rename one of them.",
            )
        specs[name] = value
    return specs


def extension_error(
    group: str,
    name: str,
    expected: str,
    actual: str,
    advice: str = "Correct the package, or uninstall it.",
) -> ExtensionError:
    """Return an error that names the package of an entry point."""
    packages = [entry.package for entry in installed_extensions() if entry[:2] == (group, name)]
    package = " and ".join(packages) or "(unknown)"
    return ExtensionError(package, group, name, expected, actual, advice)


class InstalledExtension(NamedTuple):
    """An entry point of a package, which may not have been loaded yet."""

    group: str
    name: str
    package: str


def installed_extensions() -> list[InstalledExtension]:
    """Return the entry points of every group `aisle.*`, sorted, without loading any of them.

    A group that is not one of `EXTENSION_GROUPS` is included; Aisle ignores its entry points.
    """
    from importlib import metadata

    return sorted(
        {
            InstalledExtension(entry.group, entry.name, package.name)
            for package in metadata.distributions()
            for entry in package.entry_points
            if entry.group.startswith("aisle.")
        }
    )


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
        (entry.name, _package(entry)): entry for entry in metadata.entry_points(group=group)
    }
    for (_, package), entry in sorted(packages.items()):
        if entry.name in loaded:
            other = loaded[entry.name][0]
            raise ExtensionError(
                package,
                group,
                entry.name,
                "a name that no other package uses",
                f"the same name in package {other}",
                f"Rename it in {package} or in {other}, or uninstall one of them.",
            )
        try:
            loaded[entry.name] = (package, entry.load())
        except (Exception, SystemExit) as error:  # A package may raise anything at import.
            reason = f"{type(error).__name__} at import: {error}"
            raise ExtensionError(package, group, entry.name, entry.value, reason) from error
    return loaded


def _package(entry: "EntryPoint") -> str:
    return entry.dist.name if entry.dist else entry.module
