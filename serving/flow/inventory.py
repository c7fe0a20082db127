"""Descriptions of the catalogue's features and of the artifacts in use."""

from typing import Any

from feature_repo.home import Home
from serving.state import ModelRegistry
from training.artifacts import POPULARITY, RANKER


def describe_features(home: Home) -> dict[str, Any]:
    """Describe every feature view and service of a home's catalogue; imports Feast."""
    from feature_repo.catalogue import Catalogue

    catalogue = Catalogue.of(home)
    views = [
        {
            "view": view.name,
            "entity": view.entities[0],
            "freshness": view.tags.get("freshness"),
            "ttl_seconds": view.ttl.total_seconds() if view.ttl else 0,
            "features": [
                {"name": f.name, "type": str(f.dtype), "description": f.description}
                for f in view.features
            ],
        }
        for view in catalogue.views
    ]
    service = catalogue.ranking_v1
    inputs = {
        service.name: [
            f"{projection.name}__{field.name}"
            for projection in service.feature_view_projections
            for field in projection.features
        ]
    }
    return {"views": views, "feature_services": inputs}


def describe_models(registry: ModelRegistry) -> dict[str, Any]:
    """Describe the models and indexes in memory, with versions."""
    models = []
    for name in registry.names():
        model = registry.get(name)
        if model is not None:
            models.append(
                {
                    "name": name,
                    "ranker": model.ranker and model.ranker.version,
                    "popularity": model.popularity and model.popularity.version,
                    "feature_service": model.feature_service,
                }
            )
    indexes = [
        {"kind": kind, "name": name, "version": loaded.version}
        for (kind, name), loaded in sorted(registry.artifacts.items())
        if kind not in (RANKER, POPULARITY)
    ]
    return {"models": models, "indices": indexes}
