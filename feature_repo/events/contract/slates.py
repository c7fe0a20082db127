"""The items of a slate: their record and its reader."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from feature_repo.events.contract import values
from feature_repo.events.contract.values import identifier
from feature_repo.home import EventError


class ShownItem(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One item of a slate."""

    item_id: str
    score: float | None = None
    propensity: float | None = None


class ExactItem(ShownItem, frozen=True, forbid_unknown_fields=True):
    """One item of a slate in an event that is written as the log writes it."""

    item_id: Annotated[str, Meta(min_length=1, max_length=values.LONGEST_ID)]
    score: Annotated[float, Meta(ge=-values.LARGEST_NUMBER, le=values.LARGEST_NUMBER)] | None = None
    propensity: Annotated[float, Meta(gt=0, le=1)] | None = None


EXACT_SLATE = Annotated[tuple[ExactItem, ...], Meta(max_length=values.LONGEST_SLATE)]

_READERS: Mapping[str, Callable[[object, str], Any]] = {
    "item_id": identifier,
    "score": values.number,
    "propensity": values.share,
}


def shown_items(value: object, field: str) -> tuple[ShownItem, ...]:
    """Read a slate: a list of ids, or of objects with `item_id`, `score` and `propensity`.

    The position of a bad item is computed only after a failure: naming every position would double
    the time of a good slate.

    Raises:
        EventError: the value is not a list, or a long one, an element is not an item, or an item
            occurs twice.
    """
    if not isinstance(value, list):
        raise EventError(field, "a list of items", value)
    values.check_length(value, field)
    try:
        shown = tuple(_shown_item(item, field) for item in value)
    except EventError:
        shown = tuple(_shown_item(item, f"{field}[{n}]") for n, item in enumerate(value))
    values.check_unique([item.item_id for item in shown], field)
    return shown


def _shown_item(item: object, field: str) -> ShownItem:
    if not isinstance(item, dict):
        return ShownItem(identifier(item, field))
    fields = values.read_object(item, _READERS, f"{field}.")
    if "item_id" not in fields:
        raise EventError(f"{field}.item_id", "a value", None)
    return ShownItem(**fields)
