"""Merges stored rows with live state: the newest values of an entity.

The `part` of a row is the newest part of the log that the row covers.  Live state of a covered part
is ignored, so that nothing counts twice, before or after a load.  Counter views store tiles, not
rows; a tile has a part too.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from feature_repo.online.codec import counter_tiles
from feature_repo.online.redis import FirstEvent, Owner, Patch, RecentItem
from feature_repo.shop import ShopField
from feature_repo.views import (
    BUILT_IN,
    PART,
    VALUE_SEPARATOR,
    WINDOWS,
    CounterView,
    LiveLists,
    minor_units,
)

Row = dict[str, Any]

_logger = logging.getLogger(__name__)

RECENT_LIMITS = {
    verb: limit
    for spec in BUILT_IN
    if isinstance(spec.live, LiveLists)
    for verb, limit in spec.live.limits.items()
}
"""The recent lists of a user or session, and the maximum length of each."""

_WINDOWS = tuple(WINDOWS.values())


class LiveRecent(NamedTuple):
    """An entry of a live list."""

    part: int
    seen_at: int
    entry: RecentItem


def counters(view: CounterView, tile: bytes | None, t: int) -> Row | None:
    """Return counts of one entity as of an instant, and their part; None without a tile.

    Args:
        view: of the counts.
        tile: of the entity.
        t: µs.

    Raises:
        ValueError: the tile changed.
    """
    if not tile:
        return None
    part, values = counter_tiles.count_one(tile, t, _WINDOWS, measures=len(view.measures))
    if part == counter_tiles.SEALED:
        return None
    row = dict(zip(view.features, values, strict=True))
    row[PART] = part
    return row


def counter_rows(
    view: CounterView, tiles: Sequence[bytes | None], t: int
) -> npt.NDArray[np.float64]:
    """Return counts of N entities as of an instant in µs.

    Shape (F + 1, N): the features, NaN without a valid tile; in the last row 1 with one, else 0.
    """
    counts = _count(view, tiles, t)
    rows = np.empty((len(view.features) + 1, len(tiles)))
    rows[:-1] = counts.values.reshape(len(tiles), len(view.features)).T
    rows[:-1, ~counts.present] = np.nan
    rows[-1] = counts.present
    return rows


def _count(view: CounterView, tiles: Sequence[bytes | None], t: int) -> counter_tiles.Counts:
    counts = counter_tiles.count(tiles, t, _WINDOWS, measures=len(view.measures))
    if counts.damaged.any():
        _logger.error("%d tiles of %s cannot be read", counts.damaged.sum(), view.name)
    return counts


def attributes(
    row: Row | None, patches: Mapping[str, Patch], event_times: Mapping[str, int]
) -> Row | None:
    """Return the newest values of an entity; None without a row and later patches.

    Args:
        row: the stored one.
        patches: column → its newest live value.
        event_times: column → the event time of the stored value; a later part's value replaces it
            unless its own event time is earlier.
    """
    part = part_of(row)
    later = {column: patch for column, patch in patches.items() if patch.part > part}
    if not later:
        return row
    fresh = {
        column: msgspec.json.decode(patch.value)
        for column, patch in later.items()
        if patch.event_time >= event_times.get(column, 0)
    }
    return {**(row or {}), **fresh, PART: max(patch.part for patch in later.values())}


def patched(
    columns: dict[str, list[Any]],
    changes: Mapping[int, Mapping[str, Patch]],
    event_times: Iterable[Mapping[str, int]],
) -> dict[str, list[Any]]:
    """Write newer attributes of N entities into their stored columns, and return these.

    Args:
        columns: the stored ones, `part` among them; they are changed.
        changes: position of an entity → its newest patches.
        event_times: of the stored attributes of each of these entities.
    """
    for (position, patches), times in zip(changes.items(), event_times, strict=True):
        row = {name: values[position] for name, values in columns.items()}
        newest = attributes(row if row[PART] is not None else None, patches, times) or {}
        for name in columns.keys() & newest.keys():
            columns[name][position] = newest[name]
    return columns


def first_seen(row: Row | None, firsts: Iterable[FirstEvent]) -> Row | None:
    """Return when a user or session was first seen; None without events.

    Args:
        row: the stored one.
        firsts: live events, the first of each part among them.
    """
    part = part_of(row)
    later = [first for first in firsts if first.part > part]
    if not later:
        return row
    instants = [first.seen_at for first in later]
    stored = [] if row is None else [int(row["first_seen_at"])]
    return {
        "first_seen_at": min(instants + stored),
        PART: max(first.part for first in later),
    }


def owner(row: Row | None, live: Owner | None) -> Row | None:
    """Return who a session belongs to; None for a session that was never linked."""
    if live is None or live.part <= part_of(row):
        return row
    return {
        "user_id": live.user,
        "is_shared": live.is_shared,
        "first_linked_at": live.first_linked_at,
        PART: live.part,
    }


def recent(
    row: Row | None, live: Mapping[str, Sequence[LiveRecent]], columns: Sequence[str]
) -> Row | None:
    """Return the recent lists of a user or session, newest first; None without recent items.

    A live entry may be older than stored ones: it became the user's by a later link.

    Args:
        row: the stored one.
        live: `clicked` and `shown`, each newest first.
        columns: item columns that the lists store.
    """
    part = part_of(row)
    fresh = {verb: [e for e in live.get(verb, ()) if e.part > part] for verb in RECENT_LIMITS}
    if not any(fresh.values()) and (row is None or None not in row.values()):
        return row
    lists = {
        name: values
        for verb, limit in RECENT_LIMITS.items()
        for name, values in _lists(verb, row or {}, fresh[verb], columns, limit).items()
    }
    return lists | {PART: max([part, *(e.part for entries in fresh.values() for e in entries)])}


def texts_of(row: Row | None, fields: Sequence[ShopField]) -> dict[str, str]:
    """Return the item columns of a recent-list entry: category and list values, the price."""
    return {field.column: _text((row or {}).get(field.column)) for field in fields}


def part_of(row: Row | None) -> int:
    """Return the newest part that a row covers; −1 without a row."""
    return -1 if row is None else int(row[PART])


def _lists(
    verb: str, row: Row, fresh: Sequence[LiveRecent], columns: Sequence[str], limit: int
) -> Row:
    stored: Sequence[int] = row.get(f"{verb}_at") or ()
    size = len(stored)
    times, values = [e.seen_at for e in fresh] + [*stored], [e.entry.values for e in fresh]
    lists = {
        f"{verb}_item_ids": [e.entry.item_id for e in fresh]
        + [*(row.get(f"{verb}_item_ids") or ())],
        f"{verb}_at": times,
        **{
            f"{verb}_{column}": [texts.get(column, "") for texts in values]
            + [*(row.get(f"{verb}_{column}") or [""] * size)]
            for column in columns
        },
    }
    if fresh and size and fresh[-1].seen_at < stored[0]:
        order = sorted(range(len(times)), key=times.__getitem__, reverse=True)
        lists = {name: [column[n] for n in order] for name, column in lists.items()}
    return {name: column[:limit] for name, column in lists.items()}


def _text(value: Any) -> str:
    if isinstance(value, float):
        return str(minor_units(value))
    return VALUE_SEPARATOR.join(value) if isinstance(value, list) else value or ""
