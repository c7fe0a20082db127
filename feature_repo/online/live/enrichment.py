"""Looks up the request, the items and the other events that an event needs to be applied.

The log answers which ids and impressions are compacted, which ranking a click belongs to, which
event a correction names, and to whom sessions and users belong.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    UserEvent,
    is_corrected_by,
    link_of,
)
from feature_repo.events.log import EventLog
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.live import commands
from feature_repo.online.live.commands import Call, Texts
from feature_repo.online.live.history import History
from feature_repo.online.live.identities import (
    Identities,
    Rankings,
    Shown,
    session_of,
    shown_by,
    user_of,
)
from feature_repo.shop import Shop

PartOf = Callable[[int], int]
"""Returns the part of the log of an instant."""

_Corrected = Mapping[str, InteractionEvent]
_TextOf = Callable[[str, str, int], Texts | None]
"""Returns the recent-list columns of an item at an instant, given the verb of the list."""


@dataclass(frozen=True)
class _Lookups:
    """What the calls of some events need.

    Attributes:
        text_of: of the items.
        corrected: correction's id → the event that it corrects, of the corrections that count.
        rankings: the first one of each request.
        identities: of the sessions and users.
        part_of: of the log.
    """

    text_of: _TextOf
    corrected: _Corrected
    rankings: Rankings
    identities: Identities
    part_of: PartOf


class Enrichment:
    """Creates calls of `live.lua` from events.  Threads may share it."""

    def __init__(
        self,
        shop: Shop,
        log: EventLog,
        reader: Callable[[], OnlineReader],
        is_live: Callable[[Sequence[str]], list[bool]],
    ) -> None:
        """Create a lookup.

        Args:
            shop: declares the fields.
            log: of earlier events.
            reader: returns the reader of item values.
            is_live: returns whether the live state has the ranking of each request.
        """
        self._shop = shop
        self._log = log
        self._reader = reader
        self._is_live = is_live

    def calls(self, events: Sequence[AnyEvent], part_of: PartOf, now: int) -> list[list[Call]]:
        """Return the calls of each event: about earlier events, its pieces, and last its own.

        Args:
            events: logged ones.
            part_of: of the log.
            now: later links and merges are not in effect yet, µs.

        Raises:
            RedisError: the server does not answer.
        """
        texts, corrected = self._texts(events), self._corrected(events)
        stated = [corrected.get(event.event_id, event) for event in events]
        rankings = self._rankings(stated)
        identities = self._identities(stated, rankings, now)
        text_of: _TextOf = lambda _, item, at: texts.get((item, at), {})  # noqa: E731
        lookups = _Lookups(text_of, corrected, rankings, identities, part_of)
        history = History(self._log, identities, now)
        return [
            [
                *self._history(event, history, part_of, now),
                *commands.in_pieces(self._own_call(event, lookups)),
            ]
            for event in events
        ]

    def _own_call(self, event: AnyEvent, lookups: _Lookups) -> Call:
        call = self._call(event, lookups) | commands.values_call(event, self._shop)
        link = link_of(event)
        owner = None if link is None else lookups.identities.owner_by(link)
        if owner is not None:
            call["owner"] = commands.owner_fields(
                owner.link, owner.is_shared, owner.first_linked_at
            ) | {"part": lookups.part_of(owner.link.seen_at)}
        return call

    def _call(self, event: AnyEvent, lookups: _Lookups) -> Call:
        match event:
            case UserEvent(op="erase"):
                sessions = sorted(self._log.linked_sessions([event.user_id]))
                call = commands.erase_call(event, self._shop, sessions)
            case RankingEvent():
                shown = [lookups.text_of("shown", i.item_id, event.seen_at) for i in event.items]
                counted = self._counted(event, lookups.rankings)
                call = commands.ranking_call(event, shown, counted)
                call |= self._identity(event, lookups)
            case InteractionEvent(corrects=None):
                text = lookups.text_of("clicked", event.item_id, event.seen_at)
                call = commands.interaction_call(event, text) | self._identity(event, lookups)
            case InteractionEvent() if stated := lookups.corrected.get(event.event_id):
                call = commands.correction_call(event, stated) | self._identity(stated, lookups)
            case _:
                call = commands.nothing_call(event)
        return call | {"part": lookups.part_of(event.seen_at)}

    def _identity(self, event: Shown, lookups: _Lookups) -> Call:
        """Return the ranking, the links and the merges of an event."""
        part_of, identities = lookups.part_of, lookups.identities
        first, ranking = (
            lookups.rankings.get(event.request_id or ""),
            shown_by(event, lookups.rankings),
        )
        links = identities.links_of(event, ranking)
        merges = identities.merges_of(event, ranking)
        fields: Call = {}
        if links:
            fields["links"] = {
                link.event_id: commands.link_fields(link) | {"part": part_of(link.seen_at)}
                for link in links
            }
        if merges:
            fields["merges"] = {
                merge.event_id: commands.merge_fields(merge) | {"part": part_of(merge.seen_at)}
                for merge in merges
            }
        if first is not None and first.event_id != event.event_id:
            fields["context"] = commands.context(first) | {"part": part_of(first.seen_at)}
        return fields

    def _history(
        self, event: AnyEvent, history: History, part_of: PartOf, now: int
    ) -> Iterator[Call]:
        """Yield the calls about earlier events that belong to a user by this event."""
        earlier = history.earlier_events(event)
        if not earlier.events:
            return
        corrected = self._corrected(earlier.events)
        stated = [corrected.get(one.event_id, one) for one in earlier.events]
        rankings = self._first_rankings(one.request_id for one in stated if one.request_id)
        identities = self._identities(stated, rankings, now)
        texts = self._reader().recent_texts(earlier.entity, earlier.id_, now)
        lookups = _Lookups(lambda *key: texts.get(key), corrected, rankings, identities, part_of)
        calls = [self._call(one, lookups) | {"own": False} for one in earlier.events]
        for piece in _packed([piece for call in calls for piece in commands.in_pieces(call)]):
            yield {
                "kind": "history",
                "is_piece": True,
                "id": event.event_id,
                "seen_at": event.seen_at,
                "part": part_of(event.seen_at),
                "events": piece,
            }

    def _identities(self, events: Sequence[AnyEvent], rankings: Rankings, now: int) -> Identities:
        links = [link for link in map(link_of, events) if link is not None]
        shown = [e for e in events if isinstance(e, (RankingEvent, InteractionEvent))]
        pairs = [(event, shown_by(event, rankings)) for event in shown]
        sessions = [link.session_id for link in links] + [session_of(*pair) for pair in pairs]
        users = [user_of(*pair) for pair in pairs]
        return Identities.read(self._log, filter(None, sessions), filter(None, users), now)

    def _corrected(self, events: Sequence[AnyEvent]) -> _Corrected:
        """Return correction's id → the event that it corrects, of the corrections that count."""
        corrected = {}
        for event in events:
            if isinstance(event, InteractionEvent) and event.corrects is not None:
                stated = self._log.interaction(event.corrects)
                if not is_corrected_by(stated, event):
                    continue
                first = self._log.correction(event.corrects, stated.seen_at)
                if first in (None, event.event_id):
                    corrected[event.event_id] = stated
        return corrected

    def _texts(self, events: Sequence[AnyEvent]) -> Mapping[tuple[str, int], Texts]:
        """Return the recent-list columns of each shown or clicked item, by item and instant."""
        entries = list(dict.fromkeys(_recent_entries(events)))
        if not entries:
            return {}
        items, instants = [item for item, _ in entries], [at for _, at in entries]
        texts = self._reader().item_texts(items, instants)
        return dict(zip(entries, texts, strict=True))

    def _rankings(self, events: Sequence[AnyEvent]) -> Rankings:
        """Return the first ranking of each request, from the log if the live state may lack it."""
        clicked = list(dict.fromkeys(_clicked_requests(events)))
        missing = [r for r, live in zip(clicked, self._is_live(clicked), strict=True) if not live]
        shown = [event.request_id for event in events if isinstance(event, RankingEvent)]
        return self._first_rankings([*shown, *missing])

    def _first_rankings(self, requests: Iterable[str]) -> Rankings:
        rankings = {r: self._log.ranking(r) for r in dict.fromkeys(requests)}
        return {request: ranking for request, ranking in rankings.items() if ranking is not None}

    def _counted(self, event: RankingEvent, rankings: Rankings) -> frozenset[str]:
        """Return the items whose impression by the same request is in the compacted log."""
        first = rankings.get(event.request_id)
        if first is None or first.event_id == event.event_id:
            return frozenset()
        before = [
            ranking
            for ranking in self._log.compacted_rankings(event.request_id)
            if (ranking.seen_at, ranking.event_id) < (event.seen_at, event.event_id)
        ]
        return frozenset(item.item_id for ranking in before for item in ranking.items)


def _packed(calls: Sequence[Call]) -> Iterator[list[Call]]:
    """Pack the calls of earlier events into pieces of bounded work."""
    piece: list[Call] = []
    size = 0
    for call in calls:
        work = max(1, len(call.get("shown", ())))
        if piece and size + work > commands.PIECE:
            yield piece
            piece, size = [], 0
        piece.append(call)
        size += work
    yield piece


def _recent_entries(events: Sequence[AnyEvent]) -> Iterator[tuple[str, int]]:
    """Return item and instant of everything that may become a recent-list entry."""
    for event in events:
        if isinstance(event, RankingEvent):
            yield from ((item.item_id, event.seen_at) for item in event.items)
        elif isinstance(event, InteractionEvent) and commands.is_positive(event):
            yield event.item_id, event.seen_at


def _clicked_requests(events: Sequence[AnyEvent]) -> Iterator[str]:
    for event in events:
        if isinstance(event, InteractionEvent) and event.request_id:
            yield event.request_id
