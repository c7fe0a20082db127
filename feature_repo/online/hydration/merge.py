"""Stored rows and live state together: what is known of an entity right now.

A row says by its `part` how far it reaches; what is live and not beyond that is in the row already
and is left out, so that nothing counts twice whenever a load happens.  Counted views have tiles in
place of rows, which say the same of themselves.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.online.codec import counter_tiles
from feature_repo.online.redis import Patch, RecentItem
from feature_repo.shop import ShopField
from feature_repo.views import (
    BUILT_IN,
    VALUE_SEPARATOR,
    WINDOWS,
    CounterView,
    LiveLists,
    minor_units,
)

Row = dict[str, Any]

PART = "part"
"""Feature of every row: the part of the log that it reaches."""

_logger = logging.getLogger(__name__)

KEPT = {
    verb: limit
    for spec in BUILT_IN
    if isinstance(spec.live, LiveLists)
    for verb, limit in spec.live.limits.items()
}
"""The lists of a user's recent past, and how many entries each keeps."""


@dataclass(frozen=True)
class LiveRecent:
    """An entry of a live list."""

    part: int
    seen_at: int
    entry: RecentItem


def counters(view: CounterView, tile: bytes | None, t: int) -> Row | None:
    """Counts of one entity as of an instant, and their part; None where they are not known.

    Args:
        view: what is counted.
        tile: of the entity.
        t: µs.
    """
    counts = _counted(view, [tile], t)
    if not counts.present[0]:
        return None
    row = dict(zip(view.features, counts.values.reshape(-1).tolist(), strict=True))
    return row | {PART: int(counts.parts[0])}


def counter_rows(
    view: CounterView, found: Sequence[bytes | None], t: int
) -> npt.NDArray[np.float64]:
    """The same counts as numbers.

    Shape (F + 1, N): the features, NaN where they are not known, then 1 where they are.
    """
    counts = _counted(view, found, t)
    rows = np.empty((len(view.features) + 1, len(found)))
    rows[:-1] = counts.values.reshape(len(found), len(view.features)).T
    rows[:-1, ~counts.present] = np.nan
    rows[-1] = counts.present
    return rows


def _counted(view: CounterView, found: Sequence[bytes | None], t: int) -> counter_tiles.Counts:
    counts = counter_tiles.count(found, t, tuple(WINDOWS.values()), measures=len(view.measures))
    if counts.damaged.any():
        _logger.error("%d tiles of %s cannot be read", counts.damaged.sum(), view.name)
    return counts


def attributes(row: Row | None, patches: Mapping[str, Patch]) -> Row | None:
    """Attributes of an item or user, the newest of each; None where nothing is known of it."""
    reach = part_of(row)
    newer = {column: patch for column, patch in patches.items() if patch.part > reach}
    if not newer:
        return row
    fresh = {column: msgspec.json.decode(patch.value) for column, patch in newer.items()}
    return {**(row or {}), **fresh, PART: max(patch.part for patch in newer.values())}


def patched(
    columns: dict[str, list[Any]], changes: Sequence[Mapping[str, Patch]]
) -> dict[str, list[Any]]:
    """The stored attributes of N entities, with the newer ones of those that changed since.

    Args:
        columns: the stored ones, `part` among them; written to.
        changes: N mappings of attribute to its newest patch.
    """
    for place, patches in enumerate(changes):
        if patches:
            row = {name: values[place] for name, values in columns.items()}
            known = attributes(row if row[PART] is not None else None, patches) or {}
            for name in columns.keys() & known.keys():
                columns[name][place] = known[name]
    return columns


def first_seen(row: Row | None, firsts: Iterable[Patch]) -> Row | None:
    """From when a user was heard of; None for one who was not.

    Args:
        row: of `user_first_seen`, which tells it for good.
        firsts: the first live event of each part that names the user.
    """
    first = min(firsts, key=lambda patch: patch.seen_at, default=None)
    if row is not None or first is None:
        return row
    return {"first_seen_at": first.seen_at, PART: first.part}


def recent(
    row: Row | None, live: Mapping[str, Sequence[LiveRecent]], columns: Sequence[str]
) -> Row | None:
    """The lists of one user, newest first; None where nothing is known of the user.

    Args:
        row: of `user_recent`.
        live: `clicked` and `shown`, each newest first.
        columns: of the taste fields.
    """
    reach = part_of(row)
    fresh = {verb: [e for e in live.get(verb, ()) if e.part > reach] for verb in KEPT}
    if row is None and not any(fresh.values()):
        return None
    lists = {
        name: values
        for verb, kept in KEPT.items()
        for name, values in _lists(verb, row or {}, fresh[verb], columns, kept).items()
    }
    return lists | {PART: max([reach, *(e.part for entries in fresh.values() for e in entries)])}


def texts_of(known: Row | None, fields: Sequence[ShopField]) -> dict[str, str]:
    """What of an item a recent list carries: category and list values, the price."""
    return {field.column: _text((known or {}).get(field.column)) for field in fields}


def part_of(row: Row | None) -> int:
    """The part up to which a row reaches; −1 without a row."""
    return -1 if row is None else int(row[PART])


def _lists(
    verb: str, row: Row, fresh: Sequence[LiveRecent], columns: Sequence[str], kept: int
) -> Row:
    stored = len(row.get(f"{verb}_item_ids") or ())
    return {
        f"{verb}_item_ids": _joined([e.entry.item_id for e in fresh], row, f"{verb}_item_ids")[
            :kept
        ],
        f"{verb}_at": _joined([e.seen_at for e in fresh], row, f"{verb}_at")[:kept],
        **{
            f"{verb}_{column}": [
                *(e.entry.values.get(column, "") for e in fresh),
                *(row.get(f"{verb}_{column}") or [""] * stored),
            ][:kept]
            for column in columns
        },
    }


def _joined(fresh: list[Any], row: Row, name: str) -> list[Any]:
    return [*fresh, *(row.get(name) or ())]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return str(minor_units(value))
    return VALUE_SEPARATOR.join(value) if isinstance(value, list) else value or ""
