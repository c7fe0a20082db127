"""Looks up the request, the items and the earlier events that an event needs to be applied.

The log answers which ids and impressions are compacted, which ranking a click belongs to, and which
event a correction names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    UserEvent,
    is_corrected_by,
)
from feature_repo.events.log import EventLog
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.live import commands
from feature_repo.online.live.commands import Call
from feature_repo.shop import Shop

_Texts = Mapping[tuple[str, int], Mapping[str, str]]
_Rankings = Mapping[str, RankingEvent]


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

    def calls(self, events: Sequence[AnyEvent]) -> list[Call]:
        """Return one call per event.

        Raises:
            RedisError: the server does not answer.
        """
        corrected = self._corrected(events)
        stated = [corrected.get(event.event_id, event) for event in events]
        texts, rankings = self._texts(events), self._rankings(stated)
        return [
            self._call(event, of, texts, rankings) | commands.values_call(event, self._shop)
            for event, of in zip(events, stated, strict=True)
        ]

    def _call(self, event: AnyEvent, stated: AnyEvent, texts: _Texts, rankings: _Rankings) -> Call:
        """Return the call of an event; of a correction, `stated` is what it corrects."""
        match event, stated:
            case UserEvent(op="erase"), _:
                return commands.erase_call(event, self._shop)
            case RankingEvent(), _:
                shown = [texts[item.item_id, event.seen_at] for item in event.items]
                call = commands.ranking_call(event, shown, self._counted(event, rankings))
                return call | _context(event, rankings)
            case InteractionEvent(corrects=str()), InteractionEvent(corrects=None):
                if commands.is_counted(stated):
                    return commands.correction_call(event, stated) | _context(stated, rankings)
            case InteractionEvent(corrects=None), _ if commands.is_counted(event):
                item_texts = texts.get((event.item_id, event.seen_at), {})
                return commands.interaction_call(event, item_texts) | _context(event, rankings)
        return commands.nothing_call(event)

    def _corrected(self, events: Sequence[AnyEvent]) -> dict[str, InteractionEvent]:
        """Return correction's id → the event that it corrects, of the corrections that count."""
        corrected = {}
        for event in events:
            if isinstance(event, InteractionEvent) and event.corrects is not None:
                stated = self._log.interaction(event.corrects)
                first = self._log.correction(event.corrects)
                if is_corrected_by(stated, event) and first in (None, event.event_id):
                    corrected[event.event_id] = stated
        return corrected

    def _texts(self, events: Sequence[AnyEvent]) -> _Texts:
        """Return the recent-list columns of each shown or clicked item, by item and instant."""
        entries = list(dict.fromkeys(_recent_entries(events)))
        if not entries:
            return {}
        items, instants = [item for item, _ in entries], [at for _, at in entries]
        texts = self._reader().item_texts(items, instants)
        return dict(zip(entries, texts, strict=True))

    def _rankings(self, events: Sequence[AnyEvent]) -> _Rankings:
        """Return the first ranking of each request, from the log if the live state may lack it."""
        clicked = list(dict.fromkeys(_clicked_requests(events)))
        missing = [r for r, live in zip(clicked, self._is_live(clicked), strict=True) if not live]
        shown = [event.request_id for event in events if isinstance(event, RankingEvent)]
        rankings = {r: self._log.ranking(r) for r in dict.fromkeys([*shown, *missing])}
        return {request: ranking for request, ranking in rankings.items() if ranking is not None}

    def _counted(self, event: RankingEvent, rankings: _Rankings) -> frozenset[str]:
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


def _context(event: RankingEvent | InteractionEvent, rankings: _Rankings) -> Call:
    first = rankings.get(event.request_id or "")
    if first is None or first.event_id == event.event_id:
        return {}
    return {"context": commands.context(first)}
