"""The report of an ingest or a dry run: counts of events by outcome, and data-quality warnings."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter, lt

from msgspec.structs import asdict

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    UserEvent,
)
from feature_repo.events.quality import Finding, FindingList
from feature_repo.home import to_text
from feature_repo.shop import is_cut

_EVENT_TIME = attrgetter("event_time")
_UNPLACED, _UNSHOWN = 0, -1
"""Pseudo-positions of clicks: without a ranking in the files; on an item that its slate lacks."""


MOST_NAMES = 200
"""Names that a count lists; senders make them up."""


class LineFinding(Finding, frozen=True):
    """A finding in a line of a file."""

    file: str
    line: int


@dataclass
class IngestReport:
    """Counts of events; read = accepted + duplicate + quarantined.

    Attributes:
        quarantined: lines that were not logged.
        warnings: what a shop should look at in accepted events.
        kinds: accepted events by kind.
        unknown_items: accepted events with items that have no item event: `interactions`,
            `ranking_items` (slots of rankings) and `items` (distinct ids).
        out_of_order: accepted events earlier than the event before them in their file.
        click_positions: number of clicks by position (from 1) in their ranking.
        unplaced_clicks: clicks without a ranking in the files, or on an item not in it.
        unshown_clicks: of these, clicks on an item that their ranking did not show.
        cut_values: accepted values that features read only in part, by field.
        extra_values: accepted events with a value in `extra`, by kind and name.
        without_event: objects of other dialects that mean no event, such as views of a page, by
            dialect and name; they are not in `read`.
        first_event_time, last_event_time: of accepted events; None if there are none.
        late: accepted events at or before the last seal; without a mode for late events, ingest
            refuses their files.
        seal: the seal after the events were logged; None in a dry run.
    """

    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    quarantined: FindingList[LineFinding] = field(default_factory=FindingList)
    warnings: FindingList[LineFinding] = field(default_factory=FindingList)
    kinds: dict[str, int] = field(default_factory=dict)
    unknown_items: dict[str, int] = field(default_factory=dict)
    out_of_order: int = 0
    click_positions: dict[int, int] = field(default_factory=dict)
    unplaced_clicks: int = 0
    unshown_clicks: int = 0
    cut_values: dict[str, int] = field(default_factory=dict)
    extra_values: dict[str, int] = field(default_factory=dict)
    without_event: dict[str, int] = field(default_factory=dict)
    first_event_time: int | None = None
    last_event_time: int | None = None
    late: int = 0
    seal: int | None = None

    def add_without_event(self, label: str) -> None:
        """Count an object that means no event."""
        count_name(self.without_event, label)

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON, with instants as text."""
        return {
            "read": self.read,
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "quarantined": self.quarantined.count,
            "quarantined_lines": [asdict(q) | {"reason": q.reason} for q in self.quarantined.first],
            "quarantined_reasons": self.quarantined.reasons,
            "warned": self.warnings.count,
            "warnings": [*map(asdict, self.warnings.first)],
            "warning_reasons": self.warnings.reasons,
            "kinds": self.kinds,
            "unknown_items": self.unknown_items,
            "in_order": self.out_of_order == 0,
            "out_of_order": self.out_of_order,
            "click_positions": {str(at): n for at, n in self.click_positions.items()},
            "unplaced_clicks": self.unplaced_clicks,
            "unshown_clicks": self.unshown_clicks,
            "cut_values": self.cut_values,
            "extra_values": self.extra_values,
            "without_event": self.without_event,
            "first_event_time": _text(self.first_event_time),
            "last_event_time": _text(self.last_event_time),
            "late": self.late,
            "seal": _text(self.seal),
        }


class Tally:
    """Counts accepted events for the report.

    Items of slates are stored as hashes of 8 bytes: some 30 MB for a million events.
    """

    def __init__(self) -> None:
        self._kinds: Counter[str] = Counter()
        self._items: set[str] = set()
        self._in_interactions: Counter[str] = Counter()
        self._in_rankings: Counter[str] = Counter()
        self._slates: dict[int, array[int]] = {}
        self._clicks = array("q"), array("q")
        self._last_in_file: dict[str, int] = defaultdict(int)
        self._cut_values: Counter[str] = Counter()
        self._extra_values: dict[str, int] = {}
        self._out_of_order = 0
        self._first: int | None = None
        self._last: int | None = None

    def note(self, file: str, accepted: Sequence[AnyEvent]) -> None:
        """Count accepted events of a file, in order."""
        self._note_times(file, [*map(_EVENT_TIME, accepted)])
        interactions = [event for event in accepted if isinstance(event, InteractionEvent)]
        rankings = [event for event in accepted if isinstance(event, RankingEvent)]
        self._kinds["interaction"] += len(interactions)
        self._kinds["ranking"] += len(rankings)
        if len(interactions) + len(rankings) < len(accepted):
            self._note_described(accepted)
        self._note_extras(interactions)
        self._note_extras(rankings)
        self._in_interactions.update([event.item_id for event in interactions])
        slates = [[shown.item_id for shown in event.items] for event in rankings]
        self._in_rankings.update(chain.from_iterable(slates))
        for ranking, ids in zip(rankings, slates, strict=True):
            self._slates.setdefault(hash(ranking.request_id), array("q", map(hash, ids)))
        clicks = [event for event in interactions if event.type == "click"]
        self._clicks[0].extend([hash(click.request_id) for click in clicks])
        self._clicks[1].extend([hash(click.item_id) for click in clicks])

    def finish(self, report: IngestReport, logged_items: Callable[[set[str]], set[str]]) -> None:
        """Write the counts into the report.

        `logged_items` returns the given ids that the log contains.
        """
        report.kinds = {kind: count for kind, count in self._kinds.items() if count}
        report.cut_values = dict(self._cut_values)
        report.extra_values = self._extra_values
        report.out_of_order = self._out_of_order
        report.first_event_time, report.last_event_time = self._first, self._last
        report.unknown_items = self._unknown(logged_items)
        positions = Counter(map(self._position, *self._clicks))
        report.unshown_clicks = positions.pop(_UNSHOWN, 0)
        report.unplaced_clicks = positions.pop(_UNPLACED, 0) + report.unshown_clicks
        report.click_positions = dict(sorted(positions.items()))

    def _note_extras(self, events: Sequence[InteractionEvent | RankingEvent]) -> None:
        for event in events:
            if event.extra is not None:
                for name in event.extra:
                    count_name(self._extra_values, f"{event.kind}.{name}")

    def _note_described(self, accepted: Sequence[AnyEvent]) -> None:
        for event in accepted:
            if isinstance(event, ItemEvent | UserEvent):
                self._kinds[event.kind] += 1
                self._cut_values.update(n for n, value in event.fields.items() if is_cut(value))
            if isinstance(event, ItemEvent):
                self._items.add(event.item_id)

    def _note_times(self, file: str, times: Sequence[int]) -> None:
        self._first = min(times) if self._first is None else min(self._first, *times)
        self._last = max(times) if self._last is None else max(self._last, *times)
        before = [self._last_in_file[file], *times[:-1]]
        self._out_of_order += sum(map(lt, times, before))
        self._last_in_file[file] = times[-1]

    def _unknown(self, logged_items: Callable[[set[str]], set[str]]) -> dict[str, int]:
        unknown = (self._in_interactions.keys() | self._in_rankings.keys()) - self._items
        if unknown:
            unknown -= logged_items(unknown)
        return {
            "interactions": sum(self._in_interactions[item] for item in unknown),
            "ranking_items": sum(self._in_rankings[item] for item in unknown),
            "items": len(unknown),
        }

    def _position(self, request: int, item: int) -> int:
        """Return a clicked item's position, from 1, or `_UNPLACED` or `_UNSHOWN`."""
        slate = self._slates.get(request)
        if slate is None:
            return _UNPLACED
        try:
            return slate.index(item) + 1
        except ValueError:
            return _UNSHOWN


def count_name(counts: dict[str, int], name: str) -> None:
    """Count a name; further names than `MOST_NAMES` are `others`."""
    listed = name if name in counts or len(counts) < MOST_NAMES else "others"
    counts[listed] = counts.get(listed, 0) + 1


def _text(instant: int | None) -> str | None:
    return None if instant is None else to_text(instant)
