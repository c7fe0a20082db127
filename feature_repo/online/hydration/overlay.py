"""The strings of a request's user, query and market, with live state decoded."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from feature_repo.online.hydration.entity_strings import NO_STRINGS, EntityStrings, Strings
from feature_repo.online.hydration.merge import RECENT_LIMITS, LiveRecent
from feature_repo.online.hydration.slate_query import OTHER_ENTITIES, SlateReply
from feature_repo.online.redis import Patch, decode_patches, read_member
from feature_repo.views import Entity

_logger = logging.getLogger(__name__)

_UNCHANGED: Mapping[str, Patch] = {}


@dataclass(frozen=True)
class Overlay:
    """The strings and live state of a slate's user, query and market.

    Attributes:
        user: strings of the user.
        query: strings of the query.
        market: strings of the market.
        recent: the user's `clicked` and `shown`, newest first.
        firsts: part → the first event in it that names the user.
    """

    user: Strings
    query: Strings
    market: Strings
    recent: Mapping[str, Sequence[LiveRecent]]
    firsts: Mapping[str, Patch]

    @classmethod
    def of(
        cls,
        reply: SlateReply,
        user_id: str | None,
        query_key: str | None,
        strings: Mapping[Entity, EntityStrings],
    ) -> "Overlay":
        """Assign the reply to the entities; damaged live state counts as absent and is logged.

        A user who was erased, and whose stored rows may still exist, reads as unknown.
        """
        lists, erased, first = reply.lists, *reply.others[:2]
        by_entity = _by_entity(reply.others[2:], strings)
        if user_id is None or erased is not None:
            lists, first, by_entity["user"] = [], None, NO_STRINGS
        return cls(
            user=by_entity["user"],
            query=by_entity["query"] if query_key is not None else NO_STRINGS,
            market=by_entity["market"],
            recent={
                verb: _recent(members) for verb, members in zip(RECENT_LIMITS, lists, strict=False)
            },
            firsts=read_patches(user_id or "", first),
        )


def _by_entity(
    others: Sequence[bytes | None], strings: Mapping[Entity, EntityStrings]
) -> dict[Entity, Strings]:
    start = 0
    by_entity: dict[Entity, Strings] = {}
    for entity in OTHER_ENTITIES:
        end = start + strings[entity].size
        by_entity[entity] = strings[entity].split(others[start:end])
        start = end
    return by_entity


def read_patches(id_: str, packed: bytes | None) -> Mapping[str, Patch]:
    """Decode the newest attributes of an item or user; damaged ones are logged and left out."""
    if packed is None:
        return _UNCHANGED
    try:
        return decode_patches(packed)
    except msgspec.MsgspecError as error:
        _logger.error("the live attributes of %r cannot be read: %s", id_, error)
        return _UNCHANGED


def _recent(members: Any) -> list[LiveRecent]:
    if not isinstance(members, list):
        _logger.error("a live list of a user cannot be read: %s", members)
        return []
    entries = []
    for member, score in _scored(members):
        try:
            part, entry = read_member(member)
        except ValueError as error:
            _logger.error("an entry of a live list of a user cannot be read: %s", error)
            continue
        entries.append(LiveRecent(part, int(score), entry))
    return entries


def _scored(members: list[Any]) -> Iterable[tuple[bytes, Any]]:
    """Pair members with scores: version 2 of the protocol sends a flat list, version 3 pairs."""
    if members and isinstance(members[0], list):
        return members
    return zip(members[::2], members[1::2], strict=True)
