"""What is known about one request and its candidates, and how its values are read.

The same shapes come from the point-in-time join and from Redis, so what follows from them is the
same too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SlateFacts:
    """A request at one instant.

    Attributes:
        t: instant of the request, microseconds since 1970 UTC.
        query: its text as sent.
        user: "<view>__<feature>" → scalar, list or None; absent or None is missing;
            "<view>__present" tells whether the view knows the user.
        query_row: the same for the query's views.
        item_ids: the N candidates, in the order given.
        items: "<view>__<feature>" → N values, None or NaN where missing; "<view>__present" → N.
    """

    t: int
    query: str | None = None
    user: Mapping[str, Any] = field(default_factory=dict)
    query_row: Mapping[str, Any] = field(default_factory=dict)
    item_ids: Sequence[str] = ()
    items: Mapping[str, Sequence[Any] | npt.NDArray[Any]] = field(default_factory=dict)

    def item_numbers(self, name: str) -> Floats:
        """Shape (N,): a number of each candidate, NaN where missing."""
        values = self.items.get(name)
        return np.full(len(self.item_ids), np.nan) if values is None else as_numbers(values)

    def item_presence(self, view: str) -> Floats:
        """Shape (N,): 1 where the view knows the candidate, else 0."""
        return np.nan_to_num(self.item_numbers(f"{view}__present"))

    def item_values(self, name: str) -> list[tuple[str, ...]]:
        """N tuples: the texts of a category or list field, empty where missing."""
        values = self.items.get(name)
        return [()] * len(self.item_ids) if values is None else [as_values(v) for v in values]


def is_present(row: Mapping[str, Any], view: str) -> bool:
    """Whether a view knows the entity of this row."""
    return row.get(f"{view}__present") in (True, 1)


def as_number(value: Any) -> float:
    """A scalar as a float; NaN where it is missing or no number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def as_numbers(values: Iterable[Any]) -> Floats:
    """A column as float64; NaN where a value is missing or no number."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array([as_number(value) for value in values], dtype=np.float64)


def as_values(value: Any) -> tuple[str, ...]:
    """The texts of a category or list value, in order; empty where missing."""
    if isinstance(value, str):
        return (value,) if value else ()
    if isinstance(value, (list, tuple)):
        return tuple(v for v in value if isinstance(v, str) and v)
    if isinstance(value, np.ndarray):
        return as_values(value.tolist())
    return ()


def as_list(value: Any) -> list[Any]:
    """A list value as a list; empty where missing."""
    if isinstance(value, np.ndarray):
        return list(value.tolist())
    return list(value) if isinstance(value, (list, tuple)) else []
