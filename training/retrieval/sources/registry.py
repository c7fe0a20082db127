"""The registry of candidate sources, from this folder and from installed packages.

`feature_repo.request_features.families.SOURCES` lists the sources of this folder, because each has
two feature columns.  The module of the same name declares the source as `SOURCE`.  A package adds
its own under the entry point group `aisle.sources`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module

from feature_repo.home import SettingError, extension_error, extensions
from feature_repo.request_features.families import FOLLOWING, SOURCE_EXTENSIONS, SOURCES
from feature_repo.views import PURCHASE_SERVICE, RANKING_SERVICE
from training.retrieval.sources.catalogue_indexes import CATALOGUE_INDEXES, POPULARITY_INDEX
from training.retrieval.sources.spec import IndexSpec, SourceSpec

_FOLDER = "training.retrieval.sources"
_RANKER_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "search": {RANKING_SERVICE: 1.0},
    "browse": {RANKING_SERVICE: 1.0},
    "home": {RANKING_SERVICE: 1.0, PURCHASE_SERVICE: 0.5},
    "similar": {RANKING_SERVICE: 0.3},
    "together": {RANKING_SERVICE: 0.3},
    "again": {RANKING_SERVICE: 0.0, PURCHASE_SERVICE: 0.5},
    "trending": {RANKING_SERVICE: 0.2},
}
"""Surface → feature service of a ranker → `Surface.ranker_weights`.

Those of next purchases were chosen on the validation orders of Online Retail: NDCG@10 is .2946 with
.3, .2952 with .5, .2942 with .7, .2938 with 1, and .2922 without the ranker.
"""
_RESERVED = ("filters", "page", "popularity")
"""Names of candidates that come from no source: of the filters, an earlier page, the fallback."""


@dataclass(frozen=True)
class Surface:
    """A list of the shop, and the sources that feed it.

    Attributes:
        name: unique.
        sources: candidate source → weight, in the order of merging.
        ranker_weights: by the ranker's feature service, weight of its order relative to the order
            of retrieval, 0 to 1; a ranker of another service does not score the list.
        partial_match_sources: sources whose items follow the items of all others.
        following_sources: sources whose items come after the first page.
    """

    name: str
    sources: Mapping[str, float]
    ranker_weights: Mapping[str, float] = field(default_factory=lambda: {RANKING_SERVICE: 1.0})
    partial_match_sources: frozenset[str] = frozenset()
    following_sources: frozenset[str] = frozenset()

    def with_sources(self, weights: Mapping[str, float]) -> "Surface":
        """Return the list with other weights of some sources; 0 leaves a source out.

        A source that does not feed the list otherwise comes last.
        """
        sources = {name: weight for name, weight in {**self.sources, **weights}.items() if weight}
        return replace(self, sources=sources)


@cache
def source_specs() -> dict[str, SourceSpec]:
    """Return every source by name.

    Raises:
        SettingError: a source of this folder is incomplete; names the missing part.
        ExtensionError: a source of a package cannot be loaded, or uses a wrong name.
    """
    specs = {name: _built_in(name) for name in SOURCES}
    for name, spec in extensions(SOURCE_EXTENSIONS, SourceSpec).items():
        if wrong := _wrong_name(name, spec):
            raise extension_error(SOURCE_EXTENSIONS, name, *wrong)
        if name in specs:
            expected = "a name that no source of Aisle has"
            raise extension_error(SOURCE_EXTENSIONS, name, expected, "one of them", "Rename it.")
        specs[name] = spec
    return specs


@cache
def index_specs() -> dict[str, IndexSpec]:
    """Return every index by kind: those of the catalogue, those of the sources, popularity.

    Raises:
        SettingError: two sources of this folder declare different indexes of one kind.
        ExtensionError: a source of a package declares another index of an existing kind.
    """
    specs = {index.kind: index for index in (*CATALOGUE_INDEXES, POPULARITY_INDEX)}
    for name, source in source_specs().items():
        index = source.index
        if index is None or specs.setdefault(index.kind, index) == index:
            continue
        expected, actual = "an index of a unique kind", f"another index {index.kind!r}"
        if name in SOURCES:
            raise SettingError(f"source {name!r}: expected {expected}, found {actual}.")
        raise extension_error(SOURCE_EXTENSIONS, name, expected, actual, "Change its kind.")
    specs[POPULARITY_INDEX.kind] = specs.pop(POPULARITY_INDEX.kind)
    return specs


@cache
def surfaces() -> dict[str, Surface]:
    """Return every surface by name, with the sources that feed it.

    The source that a surface is named after is merged first, the others in their declared order.
    """
    ordered = sorted(source_specs().values(), key=lambda spec: spec.order)
    return {
        surface: Surface(
            surface,
            {
                spec.name: spec.surfaces[surface]
                for spec in sorted(ordered, key=lambda spec: spec.name != surface)
                if surface in spec.surfaces
            },
            ranker_weights,
            frozenset(s.name for s in ordered if s.is_partial_match and surface in s.surfaces),
            frozenset(s.name for s in ordered if s.name in FOLLOWING and surface in s.surfaces),
        )
        for surface, ranker_weights in _RANKER_WEIGHTS.items()
    }


def _wrong_name(name: str, spec: SourceSpec) -> tuple[str, str] | None:
    """Return what was expected and what was found, if a source uses a wrong name."""
    if spec.name != name:
        return "this name in its spec", repr(spec.name)
    if name in _RESERVED:
        return f"a name except {' and '.join(_RESERVED)}, which mean no source", repr(name)
    if unknown := sorted(spec.surfaces.keys() - _RANKER_WEIGHTS):
        return f"surfaces out of {', '.join(_RANKER_WEIGHTS)}", ", ".join(unknown)
    return None


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
    if wrong := _wrong_name(name, spec):
        raise SettingError("source {!r}: expected {}, found {}.".format(name, *wrong))
    return spec
