"""Entities, feature views and the feature service as plain Feast objects."""

from feature_repo.catalogue.catalogue import Catalogue
from feature_repo.catalogue.document import features_page

__all__ = ["Catalogue", "features_page"]
