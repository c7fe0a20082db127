"""The pages of features: all views, and one view with its lineage, values and drift."""

from pipelines.console.pages.features.view import feature
from pipelines.console.pages.features.views import features

__all__ = ["feature", "features"]
