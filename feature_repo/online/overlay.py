"""All that Redis holds of a slate, told apart: rows, tiles and live state."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from feature_repo.errors import RedisError
from feature_repo.online.live_keys import Patch, decode_patches, read_member
from feature_repo.online.merge import KEPT, LiveRecent
from feature_repo.online.slate_commands import ITEM_STRINGS

_logger = logging.getLogger(__name__)

_UNCHANGED: Mapping[str, Patch] = {}


@dataclass(frozen=True)
class Overlay:
    """What lies in Redis of a slate: of its N items, its user, its query and its market.

    Attributes:
        item_tiles: N tiles of `item_engagement`.
        patches: N mappings of attribute to its newest patch.
        item_attributes: N rows.
        item_standing: N rows.
        user_tile: of `user_engagement`.
        query_tile: of `query_engagement`.
        query_clicked: row of `query_clicked_items`.
        market_usual: row.
        recent: the user's `clicked` and `shown`, newest first.
        user_rows: of the views asked for, in their order.
        user_patches: attribute of the user → its newest patch.
        firsts: part → the first event in it that names the user.
    """

    item_tiles: Sequence[bytes | None]
    patches: Sequence[Mapping[str, Patch]]
    item_attributes: Sequence[bytes | None]
    item_standing: Sequence[bytes | None]
    user_tile: bytes | None
    query_tile: bytes | None
    query_clicked: bytes | None
    market_usual: bytes | None
    recent: Mapping[str, Sequence[LiveRecent]]
    user_rows: Sequence[bytes | None]
    user_patches: Mapping[str, Patch]
    firsts: Mapping[str, Patch]

    @classmethod
    def of(
        cls,
        answers: Sequence[Any],
        item_ids: Sequence[str],
        user_id: str | None,
        query_key: str | None,
    ) -> "Overlay":
        """Tell the answers to `SlateCommands` apart.  What is damaged counts as absent, is logged.

        A user who was erased and may still lie in what was read is nobody.

        Raises:
            RedisError: the server told an error.
        """
        *lists, strings = answers
        if not isinstance(strings, list):
            raise RedisError(f"Redis does not answer: {strings}.")
        end = ITEM_STRINGS * len(item_ids)
        tiles, patches, attributes, standing = (strings[n:end:ITEM_STRINGS] for n in range(4))
        user_tile, query_tile, changed, first, erased, clicked, usual, *user_rows = strings[end:]
        if user_id is None or erased is not None:
            lists, user_tile, changed, first = [], None, None, None
            user_rows = [None] * len(user_rows)
        return cls(
            item_tiles=tiles,
            patches=[*map(read_patches, item_ids, patches)]
            if any(patches)
            else [_UNCHANGED] * len(tiles),
            item_attributes=attributes,
            item_standing=standing,
            user_tile=user_tile,
            query_tile=query_tile if query_key is not None else None,
            query_clicked=clicked if query_key is not None else None,
            market_usual=usual,
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
    for member, score in zip(found[::2], found[1::2], strict=True):
        try:
            part, entry = read_member(member)
        except ValueError as error:
            _logger.error("an entry of a live list of a user cannot be read: %s", error)
            continue
        entries.append(LiveRecent(part, int(score), entry))
    return entries
