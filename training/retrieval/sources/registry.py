"""The registry of candidate sources, from this folder and from installed packages.

`feature_repo.request_features.families.SOURCES` lists the sources of this folder, because each has
two feature columns.  The module of the same name declares the source as `SOURCE`.  A package adds
its own under the entry point group `aisle.sources`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from feature_repo.home import SettingError, extensions
from feature_repo.request_features.families import SOURCE_EXTENSIONS, SOURCES
from training.retrieval.sources.catalogue_indexes import CATALOGUE_INDEXES
from training.retrieval.sources.spec import IndexSpec, SourceSpec

_FOLDER = "training.retrieval.sources"
_RANKER_WEIGHTS = {
    "search": 1.0,
    "browse": 1.0,
    "home": 1.0,
    "similar": 0.3,
    "together": 0.3,
    "again": 0.0,
    "trending": 0.2,
}
_RESERVED = ("page", "popularity")
"""Names of candidates that come from no source: an earlier page, and the fallback."""


@dataclass(frozen=True)
class Surface:
    """A list of the shop, and the sources that feed it.

    Attributes:
        sources: candidate source → weight, in the order of merging.
        ranker_weight: weight of the ranker's order relative to the order of retrieval, 0 to 1.
        partial_match_sources: sources whose items follow the items of all others.
    """

    sources: Mapping[str, float]
    ranker_weight: float = 1.0
    partial_match_sources: frozenset[str] = frozenset()


@cache
def source_specs() -> dict[str, SourceSpec]:
    """Return every source by name.

    Raises:
        SettingError: a source of this folder is incomplete; names the missing part.
        ExtensionError: a source of a package is incomplete.
    """
    specs = {name: _built_in(name) for name in SOURCES}
    for name, spec in extensions(SOURCE_EXTENSIONS, SourceSpec).items():
        check_names(name, spec)
        if name in specs:
            raise SettingError(f"source {name!r}: expected another name; Aisle has this source.")
        specs[name] = spec
    return specs


@cache
def index_specs() -> dict[str, IndexSpec]:
    """Return every index by kind: first the indexes of the sources, then the others.

    Raises:
        SettingError: two different indexes have one kind.
    """
    declared = [spec.index for spec in source_specs().values() if spec.index is not None]
    specs: dict[str, IndexSpec] = {}
    for spec in (*CATALOGUE_INDEXES, *declared):
        if specs.setdefault(spec.kind, spec) != spec:
            raise SettingError(
                f"index {spec.kind!r}: expected one declaration, found two; give one of them "
                "another kind."
            )
    return specs


@cache
def surfaces() -> dict[str, Surface]:
    """Return every surface by name, with the sources that feed it.

    The source that a surface is named after is merged first, the others in their declared order.
    """
    ordered = sorted(source_specs().values(), key=lambda spec: spec.order)
    return {
        surface: Surface(
            {
                spec.name: spec.surfaces[surface]
                for spec in sorted(ordered, key=lambda spec: spec.name != surface)
                if surface in spec.surfaces
            },
            ranker_weight,
            frozenset(
                spec.name for spec in ordered if spec.is_partial_match and surface in spec.surfaces
            ),
        )
        for surface, ranker_weight in _RANKER_WEIGHTS.items()
    }


def check_names(name: str, spec: SourceSpec) -> None:
    """Check the names that a source uses.

    Raises:
        SettingError: names the wrong one.
    """
    if spec.name != name:
        raise SettingError(f"source {name!r}: expected this name in its spec, found {spec.name!r}.")
    if name in _RESERVED:
        raise SettingError(f"source {name!r}: expected another name; {name} means no source.")
    unknown = sorted(spec.surfaces.keys() - _RANKER_WEIGHTS)
    if unknown:
        raise SettingError(
            f"source {name!r}: expected surfaces out of {', '.join(_RANKER_WEIGHTS)}; "
            f"found {', '.join(unknown)}."
        )


def _built_in(name: str) -> SourceSpec:
    file = f"{_FOLDER.replace('.', '/')}/{name}.py"
    try:
        spec = import_module(f"{_FOLDER}.{name}").SOURCE
    except (ModuleNotFoundError, AttributeError, TypeError, ValueError) as error:
        raise SettingError(
            f"source {name!r}: expected SOURCE, a complete SourceSpec, in {file}: {error}"
        ) from error
    if not isinstance(spec, SourceSpec):
        raise SettingError(f"source {name!r}: expected a SourceSpec in {file}, found {spec!r}.")
    check_names(name, spec)
    return spec
