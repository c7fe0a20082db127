"""All that Redis holds of a slate, told apart: rows, tiles and live state."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from feature_repo.online.hydration.merge import KEPT, LiveRecent
from feature_repo.online.hydration.slate_query import Told
from feature_repo.online.redis import Patch, decode_patches, read_member

_logger = logging.getLogger(__name__)

_UNCHANGED: Mapping[str, Patch] = {}


@dataclass(frozen=True)
class Overlay:
    """What lies in Redis of a slate, its items left out: of its user, its query and its market.

    Attributes:
        user_tile: of `user_engagement`.
        query_tile: of `query_engagement`.
        query_clicked: row of `query_clicked_items`.
        market_baseline: row.
        recent: the user's `clicked` and `shown`, newest first.
        user_rows: of the views asked for, in their order.
        user_patches: attribute of the user → its newest patch.
        firsts: part → the first event in it that names the user.
    """

    user_tile: bytes | None
    query_tile: bytes | None
    query_clicked: bytes | None
    market_baseline: bytes | None
    recent: Mapping[str, Sequence[LiveRecent]]
    user_rows: Sequence[bytes | None]
    user_patches: Mapping[str, Patch]
    firsts: Mapping[str, Patch]

    @classmethod
    def of(cls, told: Told, user_id: str | None, query_key: str | None) -> "Overlay":
        """Tell apart what was told.  What is damaged counts as absent, and is logged.

        A user who was erased and may still lie in what was read is nobody.
        """
        lists = told.lists
        user_tile, query_tile, changed, first, erased, clicked, usual, *user_rows = told.others
        if user_id is None or erased is not None:
            lists, user_tile, changed, first = [], None, None, None
            user_rows = [None] * len(user_rows)
        return cls(
            user_tile=user_tile,
            query_tile=query_tile if query_key is not None else None,
            query_clicked=clicked if query_key is not None else None,
            market_baseline=usual,
            recent={verb: _recent(found) for verb, found in zip(KEPT, lists, strict=False)},
            user_rows=user_rows,
            user_patches=read_patches(user_id or "", changed),
            firsts=read_patches(user_id or "", first),
        )


def read_patches(id_: str, packed: bytes | None) -> Mapping[str, Patch]:
    """The newest attributes of an item or user; none where they are damaged, which is logged."""
    if packed is None:
        return _UNCHANGED
    try:
        return decode_patches(packed)
    except msgspec.MsgspecError as error:
        _logger.error("the live attributes of %r cannot be read: %s", id_, error)
        return _UNCHANGED


def _recent(found: Any) -> list[LiveRecent]:
    if not isinstance(found, list):
        _logger.error("a live list of a user cannot be read: %s", found)
        return []
    entries = []
    for member, score in _scored(found):
        try:
            part, entry = read_member(member)
        except ValueError as error:
            _logger.error("an entry of a live list of a user cannot be read: %s", error)
            continue
        entries.append(LiveRecent(part, int(score), entry))
    return entries


def _scored(found: list[Any]) -> Iterable[tuple[bytes, Any]]:
    """Members and scores: flat in version 2 of the protocol, in pairs in version 3."""
    if found and isinstance(found[0], list):
        return found
    return zip(found[::2], found[1::2], strict=True)
