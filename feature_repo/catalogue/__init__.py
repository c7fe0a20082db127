"""What we know, declared: entities, feature views and the feature service, as plain Feast."""

from feature_repo.catalogue.catalogue import Catalogue

__all__ = ["Catalogue"]
