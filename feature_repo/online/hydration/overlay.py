"""The strings of a request's user, session, query and market, with live state decoded."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from feature_repo.online.hydration.entity_strings import NO_STRINGS, Strings
from feature_repo.online.hydration.merge import RECENT_LIMITS, LiveRecent
from feature_repo.online.hydration.slate_query import EntityMap, Shopper, SlateReply
from feature_repo.online.redis import (
    FirstEvent,
    Owner,
    Patch,
    decode_firsts,
    decode_owner,
    decode_patches,
    read_member,
)
from feature_repo.views import Entity

_logger = logging.getLogger(__name__)

T = TypeVar("T")
_UNCHANGED: Mapping[str, Patch] = {}


@dataclass(frozen=True)
class LiveEntity:
    """The strings and live state of one entity, decoded when a view needs them.

    Attributes:
        strings: of all its views.
        lists: of a user or session, as `RECENT_LIMITS` orders them.
        first: the packed first events of a user or session.
    """

    strings: Strings
    lists: Sequence[Any] = ()
    first: bytes | None = None

    def recent(self) -> dict[str, Sequence[LiveRecent]]:
        """Return `clicked` and `shown` of a user or session, newest first."""
        return {
            verb: _recent(members) for verb, members in zip(RECENT_LIMITS, self.lists, strict=False)
        }

    def firsts(self) -> Mapping[str, FirstEvent]:
        """Return the first events of a user or session."""
        return _decoded(decode_firsts, self.first, "the first events of a shopper") or {}


ABSENT = LiveEntity(NO_STRINGS)


@dataclass(frozen=True)
class Overlay:
    """The entities of a slate other than its items; an absent one has no strings."""

    user: LiveEntity
    session: LiveEntity
    query: LiveEntity
    market: LiveEntity

    @classmethod
    def of(
        cls, reply: SlateReply, shopper: Shopper, query_key: str | None, strings: EntityMap
    ) -> "Overlay":
        """Assign the reply to the entities; damaged live state counts as absent and is logged.

        A user or session that was erased, and whose stored rows may still exist, reads as unknown.
        """
        query, market = (
            LiveEntity(strings[entity].split(reply.strings[entity]))
            for entity in ("query", "market")
        )
        return cls(
            user=_visitor(reply, "user", shopper, strings),
            session=_visitor(reply, "session", shopper, strings),
            query=ABSENT if query_key is None else query,
            market=market,
        )


def _visitor(reply: SlateReply, entity: Entity, shopper: Shopper, strings: EntityMap) -> LiveEntity:
    """Return the user or session of a request."""
    if entity not in shopper.ids:
        return ABSENT
    erased, first, *others = reply.strings[entity]
    if erased is not None:
        return ABSENT
    return LiveEntity(strings[entity].split(others), reply.lists[entity], first)


def read_patches(id_: str, packed: bytes | None) -> Mapping[str, Patch]:
    """Decode the newest attributes of an item or user; damaged ones are logged and left out."""
    return _decoded(decode_patches, packed, f"the live attributes of {id_!r}") or _UNCHANGED


def read_owner(packed: bytes | None) -> Owner | None:
    """Decode the newest owner of a session; a damaged one is logged and left out."""
    return _decoded(decode_owner, packed, "the live owner of a session")


def _decoded(decode: Callable[[bytes], T], packed: bytes | None, what: str) -> T | None:
    if packed is None:
        return None
    try:
        return decode(packed)
    except msgspec.MsgspecError as error:
        _logger.error("%s cannot be read: %s", what, error)
        return None


def _recent(members: Any) -> list[LiveRecent]:
    if not isinstance(members, list):
        _logger.error("a live list of a shopper cannot be read: %s", members)
        return []
    entries = []
    for member, score in _scored(members):
        try:
            part, entry = read_member(member)
        except ValueError as error:
            _logger.error("an entry of a live list of a shopper cannot be read: %s", error)
            continue
        entries.append(LiveRecent(part, int(score), entry))
    return entries


def _scored(members: list[Any]) -> Iterable[tuple[bytes, Any]]:
    """Pair members with scores: version 2 of the protocol sends a flat list, version 3 pairs."""
    if members and isinstance(members[0], list):
        return members
    return zip(members[::2], members[1::2], strict=True)
