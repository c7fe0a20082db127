"""The columns of a feature service, in order: what a model reads."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feature_repo.home import CatalogueError

if TYPE_CHECKING:
    from feast import FeatureService

NUMBERS = frozenset({"DOUBLE", "FLOAT", "INT64", "INT32", "BOOL"})
"""Feast's types that are one number; text, times, lists and maps are no columns."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        view: name the feature's view goes by in the service.
        feature: its name in the view.
    """

    view: str
    feature: str

    @property
    def name(self) -> str:
        """As Feast writes full feature names."""
        return f"{self.view}__{self.feature}"


@dataclass(frozen=True)
class Layout:
    """The columns a model reads, in order."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, service: "FeatureService") -> "Layout":
        """The numbers of a service, in its order, but for those tagged as bookkeeping.

        Raises:
            CatalogueError: the service has no number, or a view that is computed on demand.
        """
        for projection in service.feature_view_projections:
            if projection.batch_source is None:
                raise CatalogueError(
                    f"{service.name}: expected views whose rows are stored, found "
                    f"{projection.name_to_use()}, which is computed when it is asked for; leave "
                    "it out of the service, or ask by get_online_features."
                )
        columns = tuple(
            Column(projection.name_to_use(), field.name)
            for projection in service.feature_view_projections
            for field in projection.features
            if field.dtype.to_value_type().name in NUMBERS
            and field.tags.get("role") != "bookkeeping"
        )
        if not columns:
            raise CatalogueError(f"{service.name}: expected features that are numbers, found none")
        return cls(columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Full names, `<view>__<feature>`."""
        return tuple(column.name for column in self.columns)

    def __len__(self) -> int:
        return len(self.columns)
