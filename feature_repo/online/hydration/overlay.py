"""The strings of a request's user, session, query and market, with live state decoded."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from feature_repo.online.hydration.entity_strings import NO_STRINGS, Strings
from feature_repo.online.hydration.merge import RECENT_LIMITS, LiveRecent
from feature_repo.online.hydration.slate_query import EntityMap, Shopper, SlateReply
from feature_repo.online.redis import (
    DamagedValueError,
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
        """Return `clicked` and `shown` of a user or session, newest first.

        Raises:
            DamagedValueError: an entry changed.
        """
        return {
            verb: _recent(members) for verb, members in zip(RECENT_LIMITS, self.lists, strict=False)
        }

    def firsts(self) -> Mapping[str, FirstEvent]:
        """Return the first events of a user or session.

        Raises:
            DamagedValueError: the value changed.
        """
        return {} if self.first is None else decode_firsts(self.first)


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
        """Assign the reply to the entities.

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


def read_patches(packed: bytes | None) -> Mapping[str, Patch]:
    """Decode the newest attributes of an item or user.

    Raises:
        DamagedValueError: the value changed.
    """
    return _UNCHANGED if packed is None else decode_patches(packed)


def read_item_patches(
    item_ids: Sequence[str], rows: Sequence[bytes | None], live: Sequence[bytes | None]
) -> tuple[list[bytes | None], list[Mapping[str, Patch]]]:
    """Return the stored rows of N items, and their newest attributes.

    Where the latter changed, the item has neither, and the log says so: the row is older.
    """
    stored, patches = [*rows], []
    for n, packed in enumerate(live):
        try:
            patches.append(read_patches(packed))
        except DamagedValueError as error:
            _logger.error("the live attributes of %r cannot be read: %s", item_ids[n], error)
            stored[n] = None
            patches.append(_UNCHANGED)
    return stored, patches


def read_owner(packed: bytes | None) -> Owner | None:
    """Decode the newest owner of a session.

    Raises:
        DamagedValueError: the value changed.
    """
    return None if packed is None else decode_owner(packed)


def _recent(members: Any) -> list[LiveRecent]:
    if not isinstance(members, list):
        raise DamagedValueError(f"a live list is another value: {members}")
    entries = []
    for member, score in _scored(members):
        try:
            seen_at = int(score)
        except (ValueError, OverflowError):
            raise DamagedValueError("an instant of a live list changed") from None
        part, entry = read_member(member, seen_at)
        entries.append(LiveRecent(part, seen_at, entry))
    return entries


def _scored(members: list[Any]) -> Iterable[tuple[bytes, Any]]:
    """Pair members with scores: version 2 of the protocol sends a flat list, version 3 pairs."""
    if members and isinstance(members[0], list):
        return members
    return zip(members[::2], members[1::2], strict=True)
