"""The artifacts in use, loaded from the home's `current` links and reloaded when a link moves."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import ArtifactError, Home
from feature_repo.request_features import feature_columns
from feature_repo.shop import Shop
from serving.monitoring import ARTIFACT_LOADS
from training.artifacts import POPULARITY, RANKER, Manifest, target_of, verify
from training.ranker import Ranker
from training.retrieval.sources import Surface, index_specs

DEFAULT_MODEL = "default"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedArtifact:
    """An artifact in memory; `value` is the loaded object."""

    version: str
    manifest: Manifest
    value: Any


@dataclass(frozen=True)
class Model:
    """A model of `/rank/{name}`: a ranker, and the popularity scores to fall back to.

    Attributes:
        is_damaged: whether a ranker is published that cannot be loaded.
    """

    name: str
    ranker: LoadedArtifact | None = None
    popularity: LoadedArtifact | None = None
    is_damaged: bool = False

    @property
    def feature_service(self) -> str | None:
        """Return the name of the feature service that the ranker was trained on."""
        return self.ranker.value.feature_service if self.ranker else None

    def ranker_of(self, surface: Surface | None) -> LoadedArtifact | None:
        """Return the ranker if it orders a list, or without one the items of a request."""
        if surface is None or self.feature_service in surface.ranker_weights:
            return self.ranker
        return None


@dataclass
class ModelRegistry:
    """All published models and indexes of a home.

    A background task calls `reload`; `get` and `index` only look up.

    Attributes:
        artifacts: loaded artifacts, by kind and name.
        live_indexes: by kind, indexes with the changes of items since they were fitted.
    """

    home: Home
    shop: Shop
    artifacts: dict[tuple[str, str], LoadedArtifact] = field(default_factory=dict)
    live_indexes: Mapping[str, Any] = field(default_factory=dict)
    _loaded_versions: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether any ranker or the popularity snapshot is loaded."""
        return any(kind in (RANKER, POPULARITY) for kind, _ in self.artifacts)

    def get(self, name: str) -> Model | None:
        """Return a model, or None; the default model always exists and may have no artifacts."""
        ranker = self.artifacts.get((RANKER, name))
        is_damaged = ranker is None and (RANKER, name) in self._loaded_versions
        if ranker is None and not is_damaged and name != DEFAULT_MODEL:
            return None
        return Model(name, ranker, self.artifacts.get((POPULARITY, DEFAULT_MODEL)), is_damaged)

    def names(self) -> list[str]:
        """Return the names of all models: the default one, and those with a published ranker."""
        published = [*self.artifacts, *self._loaded_versions]
        return sorted({DEFAULT_MODEL, *(name for kind, name in published if kind == RANKER)})

    def index(self, kind: str) -> Any:
        """Return the index of a kind; None where none is published."""
        loaded = self.artifacts.get((kind, DEFAULT_MODEL))
        return None if loaded is None else self.live_indexes.get(kind, loaded.value)

    def followed_indexes(self) -> dict[str, LoadedArtifact]:
        """Return the published indexes that can follow changes of items."""
        return {
            kind: loaded
            for kind, spec in index_specs().items()
            if spec.follow and (loaded := self.artifacts.get((kind, DEFAULT_MODEL))) is not None
        }

    def reload(self) -> None:
        """Load new versions, and drop unpublished artifacts, since the last call.

        A damaged artifact, one for other features and a link to nothing are logged once and not
        loaded; the previous version stays in use.
        """
        targets = _targets(self.home.current)
        for key in self._loaded_versions.keys() - targets.keys():
            del self._loaded_versions[key]
            self.artifacts.pop(key, None)
        for key, folder in targets.items():
            if self._loaded_versions.get(key) != folder.name:
                self._load(key, folder)
                self._loaded_versions[key] = folder.name

    def _load(self, key: tuple[str, str], folder: Path) -> None:
        kind, name = key
        try:
            manifest = verify(folder, kind, name)
            value = _LOADERS[kind](folder, self.shop)
        except Exception as error:
            ARTIFACT_LOADS.labels(kind, "refused").inc()
            is_unexpected = not isinstance(error, ArtifactError | OSError)
            _logger.error("%s %s was not loaded: %s", kind, name, error, exc_info=is_unexpected)
            return
        self.artifacts[key] = LoadedArtifact(folder.name, manifest, value)
        ARTIFACT_LOADS.labels(kind, "loaded").inc()
        _logger.info("%s %s is now %s", kind, name, folder.name)


def _targets(current: Path) -> dict[tuple[str, str], Path]:
    links = [(kind, link) for kind in _LOADERS for link in (current / kind).glob("[!.]*")]
    return {(kind, link.name): target_of(link) for kind, link in links}


def _load_ranker(folder: Path, shop: Shop) -> Ranker:
    ranker = Ranker.load(folder)
    columns = feature_columns(shop, ranker.feature_service)
    ranker.apply(np.full((1, len(columns)), np.nan, dtype=np.float32), columns)
    return ranker


_LOADERS: dict[str, Callable[[Path, Shop], Any]] = {
    RANKER: _load_ranker,
    **{kind: spec.load for kind, spec in index_specs().items()},
}
"""Loaders by kind; each fills the caches of its artifact, so that no request has to."""
