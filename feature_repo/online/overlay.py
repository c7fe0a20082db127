"""All that Redis holds of a slate, in one round trip: rows, tiles and live state."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import redis

from feature_repo.errors import RedisError
from feature_repo.online.live_keys import LiveKeys, Patch, decode_patches, read_member
from feature_repo.online.merge import KEPT, LiveRecent
from feature_repo.online.resp import answers

_logger = logging.getLogger(__name__)

_UNCHANGED: Mapping[str, Patch] = {}


@dataclass(frozen=True)
class Overlay:
    """What lies in Redis of a slate: of its N items, its user and its query.

    Attributes:
        item_tiles: N tiles of `item_engagement`.
        patches: N mappings of attribute to its newest patch.
        user_tile: of `user_engagement`.
        query_tile: of `query_engagement`.
        recent: the user's `clicked` and `shown`, newest first.
        rows: what lies under further keys.
        user_patches: attribute of the user → its newest patch.
        firsts: part → the first event in it that names the user.
        erased: whether the user was erased, and may still lie in what is read here.
    """

    item_tiles: Sequence[bytes | None]
    patches: Sequence[Mapping[str, Patch]]
    user_tile: bytes | None
    query_tile: bytes | None
    recent: Mapping[str, Sequence[LiveRecent]]
    rows: Sequence[bytes | None]
    user_patches: Mapping[str, Patch] = field(default_factory=dict)
    firsts: Mapping[str, Patch] = field(default_factory=dict)
    erased: bool = False


def read_overlay(
    client: "redis.Redis",
    keys: LiveKeys,
    item_ids: Sequence[str],
    user_id: str | None = None,
    query_key: str | None = None,
    rows: Sequence[bytes] = (),
) -> Overlay:
    """Read the state of a slate.  What is damaged counts as absent and is logged.

    Lists are read before rows: a load in between makes rows reach further, and what they reach is
    left out of the lists.  All strings are read at one instant.

    Args:
        client: of the server.
        keys: of the live state.
        item_ids: N items.
        user_id: None where the shopper is not known.
        query_key: None where there is no query.
        rows: further keys.

    Raises:
        RedisError: the server does not answer.
    """
    n, tile, item = len(item_ids), keys.tile("item_engagement", ""), keys.item("")
    wanted: list[str | bytes] = [
        *[tile + item_id for item_id in item_ids],
        *[item + item_id for item_id in item_ids],
        keys.tile("user_engagement", user_id or ""),
        keys.tile("query_engagement", query_key or ""),
        keys.user(user_id or ""),
        keys.first(user_id or ""),
        keys.erased(user_id or ""),
        *rows,
    ]
    *lists, strings = _pipelined(client, keys, wanted, user_id)
    erased = user_id is not None and strings[2 * n + 4] is not None
    if erased:
        lists = []
    return Overlay(
        item_tiles=strings[:n],
        patches=[
            _UNCHANGED if packed is None else _patches("item", item_id, packed)
            for item_id, packed in zip(item_ids, strings[n : 2 * n], strict=True)
        ],
        user_tile=strings[2 * n] if user_id is not None and not erased else None,
        query_tile=strings[2 * n + 1] if query_key is not None else None,
        recent={verb: _recent(found) for verb, found in zip(KEPT, lists, strict=False)},
        rows=strings[2 * n + 5 :],
        user_patches=_UNCHANGED if erased else _patches_of_user(user_id, strings[2 * n + 2]),
        firsts=_UNCHANGED if erased else _patches_of_user(user_id, strings[2 * n + 3]),
        erased=erased,
    )


def _pipelined(
    client: "redis.Redis", keys: LiveKeys, wanted: Sequence[str | bytes], user_id: str | None
) -> list[Any]:
    """The user's lists, where there is a user, then the strings."""
    calls: list[list[str | bytes | int]] = [["MGET", *wanted]]
    if user_id is not None:
        calls[:0] = [
            ["ZREVRANGE", keys.recent(verb, user_id), 0, kept - 1, "WITHSCORES"]
            for verb, kept in KEPT.items()
        ]
    try:
        found = answers(client, calls)
    except redis.RedisError as error:
        raise RedisError(f"Redis does not answer: {error}.") from error
    if not isinstance(found[-1], list):
        raise RedisError(f"Redis does not answer: {found[-1]}.")
    return found


def _patches_of_user(user_id: str | None, packed: bytes | None) -> Mapping[str, Patch]:
    return _UNCHANGED if user_id is None or packed is None else _patches("user", user_id, packed)


def _patches(of: str, id_: str, packed: bytes) -> Mapping[str, Patch]:
    try:
        return decode_patches(packed)
    except msgspec.MsgspecError as error:
        _logger.error("the live attributes of %s %r cannot be read: %s", of, id_, error)
        return {}


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
