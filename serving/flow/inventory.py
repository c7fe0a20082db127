"""Descriptions of the catalogue's features and of the artifacts in use."""

from typing import Any

from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.views import (
    PURCHASE_SERVICE,
    RANKING_SERVICE,
    FieldKind,
    features_of,
    views_of,
)
from serving.state import ModelRegistry
from training.artifacts import POPULARITY, RANKER

_TYPES: dict[FieldKind, str] = {
    "integer": "Int64",
    "number": "Float64",
    "text": "String",
    "bool": "Bool",
    "integers": "Array(Int64)",
    "numbers": "Array(Float64)",
    "texts": "Array(String)",
}
"""Kind of a field → Feast's name of its type, which importing Feast would take a second to tell."""


def describe_features(home: Home) -> dict[str, Any]:
    """Describe every feature view and service of a home's catalogue."""
    shop = Shop.load(home.shop_toml)
    views = [
        {
            "view": spec.name,
            "entity": spec.entity,
            "freshness": spec.freshness,
            "ttl_seconds": spec.ttl_seconds,
            "features": [
                {"name": f.name, "type": _TYPES[f.kind], "description": f.description}
                for f in spec.columns_of(shop)
            ],
        }
        for spec in views_of(shop)
    ]
    inputs = {
        service: [
            f"{view}__{name}"
            for view, names in features_of(service, shop).items()
            for name in names
        ]
        for service in (RANKING_SERVICE, PURCHASE_SERVICE)
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
