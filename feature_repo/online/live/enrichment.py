"""What an event needs to be told before it can be applied: its request, its items, its past.

The log is the truth for what came before: which ids and impressions are compacted, which ranking a
click belongs to, which event a correction names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    RankingEvent,
    UserEvent,
)
from feature_repo.events.log import EventLog
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.live import commands
from feature_repo.online.live.commands import Call
from feature_repo.shop import Shop

_Texts = Mapping[tuple[str, int], Mapping[str, str]]
_Rankings = Mapping[str, RankingEvent]


class LiveLookup:
    """Makes calls of `live.lua` from events.  Threads may share it."""

    def __init__(
        self,
        shop: Shop,
        log: EventLog,
        reader: Callable[[], OnlineReader],
        is_live: Callable[[Sequence[str]], list[bool]],
    ) -> None:
        """Look up in the log, in the reader's rows, and whether requests are known live."""
        self._shop = shop
        self._log = log
        self._reader = reader
        self._is_live = is_live

    def calls(self, events: Sequence[AnyEvent]) -> list[Call]:
        """One call an event.

        Raises:
            RedisError: the server does not answer.
        """
        texts, rankings = self._texts(events), self._rankings(events)
        return [
            self._call(event, texts, rankings) | commands.values_call(event, self._shop)
            for event in events
        ]

    def _call(self, event: AnyEvent, texts: _Texts, rankings: _Rankings) -> Call:
        match event:
            case UserEvent(op="erase"):
                return commands.erase_call(event, self._shop)
            case RankingEvent():
                known = [texts[item.item_id, event.seen_at] for item in event.items]
                call = commands.ranking_call(event, known, self._counted(event, rankings))
                return call | _context(event, rankings)
            case InteractionEvent() if commands.is_counted(event):
                corrected = self._log.interaction(event.corrects) if event.corrects else None
                known_of_it = texts.get((event.item_id, event.seen_at), {})
                call = commands.interaction_call(event, known_of_it, corrected)
                return call | _context(event, rankings)
        return commands.nothing_call(event)

    def _texts(self, events: Sequence[AnyEvent]) -> _Texts:
        """What was known of each item shown or clicked, by item and instant."""
        wanted = list(dict.fromkeys(_remembered(events)))
        if not wanted:
            return {}
        found = self._reader().item_texts([item for item, _ in wanted], [at for _, at in wanted])
        return dict(zip(wanted, found, strict=True))

    def _rankings(self, events: Sequence[AnyEvent]) -> _Rankings:
        """The first ranking of each request, from the log where the live state may lack it."""
        clicked = list(dict.fromkeys(_clicked_requests(events)))
        unknown = [r for r, live in zip(clicked, self._is_live(clicked), strict=True) if not live]
        shown = [event.request_id for event in events if isinstance(event, RankingEvent)]
        found = {r: self._log.ranking(r) for r in dict.fromkeys([*shown, *unknown])}
        return {request: ranking for request, ranking in found.items() if ranking is not None}

    def _counted(self, event: RankingEvent, rankings: _Rankings) -> frozenset[str]:
        """Items whose impression by the same request lies in the compacted log already."""
        first = rankings.get(event.request_id)
        if first is None or first.event_id == event.event_id:
            return frozenset()
        before = [
            ranking
            for ranking in self._log.compacted_rankings(event.request_id)
            if (ranking.seen_at, ranking.event_id) < (event.seen_at, event.event_id)
        ]
        return frozenset(item.item_id for ranking in before for item in ranking.items)


def _remembered(events: Sequence[AnyEvent]) -> Iterator[tuple[str, int]]:
    """Item and instant of everything that may go into a recent list."""
    for event in events:
        if isinstance(event, RankingEvent):
            yield from ((item.item_id, event.seen_at) for item in event.items)
        elif isinstance(event, InteractionEvent) and commands.is_wanted(event):
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
