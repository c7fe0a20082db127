"""The declaration of one quality metric."""

from dataclasses import dataclass
from typing import NamedTuple

PREFIX = "aisle_quality_"


@dataclass(frozen=True)
class QualityMetric:
    """One gauge of the quality of data and answers.

    Attributes:
        name: without the prefix of all quality metrics; also that of its SQL file.
        help: one sentence for readers.
        labels: in the order of the SQL file's columns.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The name in Prometheus."""
        return PREFIX + self.name


class Sample(NamedTuple):
    """One value of a metric at an instant, µs."""

    at: int
    name: str
    labels: tuple[str, ...]
    value: float
