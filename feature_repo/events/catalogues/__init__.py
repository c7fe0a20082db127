"""The formats of catalogues and orders that shops export, as events."""

from feature_repo.events.catalogues.catalogue import Catalogue, Row, SourceFile
from feature_repo.events.catalogues.dated_states import DatedStates, dated_now
from feature_repo.events.catalogues.registry import CATALOGUES, catalogue_of
from feature_repo.events.catalogues.schema_org import products

__all__ = [
    "CATALOGUES",
    "Catalogue",
    "DatedStates",
    "Row",
    "SourceFile",
    "catalogue_of",
    "dated_now",
    "products",
]
