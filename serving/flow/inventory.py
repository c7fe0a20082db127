"""What the service has: the features of its catalogue, the artifacts in use."""

from typing import Any

from feature_repo.home import Home
from serving.state import POPULARITY, RANKER, ModelRegistry


def describe_features(home: Home) -> dict[str, Any]:
    """Every feature view and service of a home's catalogue; imports Feast."""
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
    read = {
        service.name: [
            f"{projection.name}__{field.name}"
            for projection in service.feature_view_projections
            for field in projection.features
        ]
    }
    return {"views": views, "feature_services": read}


def describe_models(registry: ModelRegistry) -> dict[str, Any]:
    """The models that can be asked for, and what else is in memory, with versions."""
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
    indices = [
        {"kind": kind, "name": name, "version": loaded.version}
        for (kind, name), loaded in sorted(registry.artifacts.items())
        if kind not in (RANKER, POPULARITY)
    ]
    return {"models": models, "indices": indices}
