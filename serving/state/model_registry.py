"""The artifacts in use: loaded from the home's `current` links, and again when a link moves."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import ArtifactError, Home
from feature_repo.request_features import feature_columns
from feature_repo.shop import Shop
from serving.monitoring import ARTIFACT_LOADS
from training.artifacts import Manifest, Popularity, verify
from training.query_understanding import DEFAULT_LANGUAGE, Understanding
from training.ranker import Ranker
from training.retrieval.catalogue import ItemTable, facets, sellable
from training.retrieval.indexes import (
    COMPLETIONS,
    ITEM_TABLE,
    LEXICAL,
    NEWEST,
    POPULAR,
    SIMILAR,
    TOGETHER,
    TRENDING,
    UNDERSTANDING,
    Completions,
    Lexical,
    Neighbours,
    TopLists,
)

DEFAULT_MODEL = "default"
RANKER, POPULARITY = "ranker", "popularity"
_MODELS = (RANKER, POPULARITY)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedArtifact:
    """An artifact in memory."""

    version: str
    manifest: Manifest
    value: Any


@dataclass(frozen=True)
class Model:
    """What answers `/rank/{name}`: a ranker, and what to fall back to; either may be absent."""

    name: str
    ranker: LoadedArtifact | None = None
    popularity: LoadedArtifact | None = None

    @property
    def feature_service(self) -> str | None:
        """Name of the feature service the ranker was trained on."""
        return self.ranker.manifest.feature_service.get("name") if self.ranker else None


@dataclass
class ModelRegistry:
    """All models of a home by name.  `reload` is called now and then; `get` costs nothing.

    Attributes:
        artifacts: what is in memory, by kind and name.
    """

    home: Home
    shop: Shop
    artifacts: dict[tuple[str, str], LoadedArtifact] = field(default_factory=dict)
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether a first model or popularity snapshot is in memory."""
        return any(kind in _MODELS for kind, _ in self.artifacts)

    def get(self, name: str) -> Model | None:
        """The model of that name; the default one exists always, if only to keep the order."""
        ranker = self.artifacts.get((RANKER, name))
        popularity = self.artifacts.get((POPULARITY, name))
        if ranker is None and popularity is None and name != DEFAULT_MODEL:
            return None
        return Model(name, ranker, popularity or self.artifacts.get((POPULARITY, DEFAULT_MODEL)))

    def names(self) -> list[str]:
        """The models that can be asked for."""
        return sorted({DEFAULT_MODEL, *(name for kind, name in self.artifacts if kind in _MODELS)})

    def index(self, kind: str) -> Any:
        """What candidates are found with: the index of a kind; None where there is none."""
        loaded = self.artifacts.get((kind, DEFAULT_MODEL))
        return None if loaded is None else loaded.value

    def reload(self) -> None:
        """Load what was published, and drop what was withdrawn, since the last call.

        An artifact that is damaged, or made for other features, is refused and said once; the one
        before it stays in use.
        """
        targets = _targets(self.home.current)
        for key in self._seen.keys() - targets.keys():
            self.artifacts.pop(key, None)
            del self._seen[key]
        for key, folder in targets.items():
            if self._seen.get(key) != folder.name:
                self._load(key, folder)
                self._seen[key] = folder.name

    def _load(self, key: tuple[str, str], folder: Path) -> None:
        kind, name = key
        try:
            manifest = verify(folder)
            learned = _LOADERS[kind](folder, self.shop)
        except Exception as error:
            ARTIFACT_LOADS.labels(kind, "refused").inc()
            told = not isinstance(error, ArtifactError | OSError)
            _logger.error("%s %s is not taken: %s", kind, name, error, exc_info=told)
            return
        self.artifacts[key] = LoadedArtifact(folder.name, manifest, learned)
        ARTIFACT_LOADS.labels(kind, "loaded").inc()
        _logger.info("%s %s is now %s", kind, name, folder.name)


def _targets(current: Path) -> dict[tuple[str, str], Path]:
    links = [(kind, link) for kind in _LOADERS for link in (current / kind).glob("[!.]*")]
    return {(kind, link.name): link.resolve() for kind, link in links if link.exists()}


def _load_ranker(folder: Path, shop: Shop) -> Ranker:
    ranker = Ranker.load(folder)
    columns = feature_columns(shop)
    ranker.apply(np.full((1, len(columns)), np.nan, dtype=np.float32), columns)
    return ranker


def _load_popularity(folder: Path, _: Shop) -> Popularity:
    return Popularity.load(folder)


def _load_item_table(folder: Path, shop: Shop) -> ItemTable:
    item_table = ItemTable.load(folder, shop)
    facets(item_table, sellable(item_table, DEFAULT_MARKET))
    return item_table


def _load_lexical(folder: Path, _: Shop) -> Lexical:
    lexical = Lexical.load(folder)
    lexical.search([""], DEFAULT_LANGUAGE)
    return lexical


def _load_neighbours(folder: Path, _: Shop) -> Neighbours:
    neighbours = Neighbours.load(folder)
    neighbours.search([""], 1)
    return neighbours


def _load_completions(folder: Path, _: Shop) -> Completions:
    completions = Completions.load(folder)
    completions.search("a", 1)
    return completions


_LOADERS: dict[str, Callable[[Path, Shop], Any]] = {
    RANKER: _load_ranker,
    POPULARITY: _load_popularity,
    ITEM_TABLE: _load_item_table,
    LEXICAL: _load_lexical,
    UNDERSTANDING: lambda folder, _: Understanding.load(folder),
    **{kind: lambda folder, _: TopLists.load(folder) for kind in (POPULAR, TRENDING, NEWEST)},
    **dict.fromkeys((TOGETHER, SIMILAR), _load_neighbours),
    COMPLETIONS: _load_completions,
}
"""By kind; what is made at first use is made here, for no shopper waits for it."""
