"""Stored rows and live state together: what is known of an entity right now.

A row says by its `part` how far it reaches; what is live and not beyond that is in the row already
and is left out, so that nothing counts twice whenever a load happens.  Counted views have tiles in
place of rows, which say the same of themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from feature_repo.counters import WINDOWS, CounterView
from feature_repo.online import tiles
from feature_repo.online.live_keys import Patch, RecentItem
from feature_repo.online.stock_rows import Row
from feature_repo.recent import K_CLICKED, K_SHOWN, VALUE_SEPARATOR
from feature_repo.shop import ShopField

KEPT = {"clicked": K_CLICKED, "shown": K_SHOWN}
"""The lists of a user's recent past, and how many entries each keeps."""


@dataclass(frozen=True)
class LiveRecent:
    """An entry of a live list."""

    part: int
    seen_at: int
    entry: RecentItem


def counters(view: CounterView, found: Sequence[bytes | None], t: int) -> list[Row | None]:
    """Counts of N entities as of an instant; None for those the view does not know.

    Args:
        view: what is counted.
        found: their tiles.
        t: µs.
    """
    counts = tiles.count(found, t, tuple(WINDOWS.values()), measures=len(view.measures))
    values = counts.values.reshape(len(found), len(view.features)).tolist()
    parts = counts.parts.tolist()
    return [
        dict(zip(view.features, row, strict=True)) | {"part": part} if part > tiles.SEALED else None
        for row, part in zip(values, parts, strict=True)
    ]


def attributes(row: Row | None, patches: Mapping[str, Patch]) -> Row | None:
    """Attributes of one item, the newest of each field; None where nothing is known of it."""
    reach = part_of(row)
    fresh = {
        column: msgspec.json.decode(patch.value)
        for column, patch in patches.items()
        if patch.part > reach
    }
    return {**(row or {}), **fresh} if row or fresh else None


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
    return {
        name: values
        for verb, kept in KEPT.items()
        for name, values in _lists(verb, row or {}, fresh[verb], columns, kept).items()
    }


def texts_of(known: Row | None, fields: Sequence[ShopField]) -> dict[str, str]:
    """An item's category and list values as a recent list carries them."""
    return {field.column: _text((known or {}).get(field.column)) for field in fields}


def part_of(row: Row | None) -> int:
    """The part up to which a row reaches; −1 without a row."""
    return -1 if row is None else int(row["part"])


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
    return VALUE_SEPARATOR.join(value) if isinstance(value, list) else value or ""
