"""Parity of training and serving: compare logged vectors with recomputed ones.

The point-in-time join computes the vectors of each logged answer from the events alone; they must
equal the logged ones bit for bit.  A difference means that training and serving disagree.
"""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.events.contract import ServedEvent, query_key
from feature_repo.events.log import EventLog, read_relation
from feature_repo.home import SECOND, Clock, DatasetError, Home, to_text
from feature_repo.request_features import Matrix, feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior, with_overrides
from feature_repo.request_features.families import BUILT_IN
from feature_repo.shop import Shop
from feature_repo.views import RANKING_SERVICE, all_views
from training.dataset import historical_features, sources_of
from training.ranker import Ranker

IN_FLIGHT = 5 * SECOND
"""Maximum time between the receipt and the acknowledgement of an event."""

_PAST = "or `aisle ingest --backfill` has added events from before the request since"

_TRIED = 20
"""Maximum number of events within that time that are tried as unacknowledged, newest first."""


@dataclass
class Comparison:
    """Counts of compared vectors, and the columns that differ.

    Attributes:
        in_flight: requests whose vectors match an earlier instant, before an unacknowledged event.
        differing: column → number of logged values that differ from the computed ones.
        examples: by column, the first difference: request, item, logged, computed.
    """

    requests: int = 0
    vectors: int = 0
    features: int = 0
    in_flight: int = 0
    differing: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str, float, float]] = field(default_factory=dict)

    def add(self, event: ServedEvent, computed: Matrix) -> None:
        """Compare one answer."""
        logged = logged_matrix(event)
        self.requests += 1
        self.vectors += logged.shape[0]
        self.features += logged.size
        for row, column in np.argwhere(~same_bits(logged, computed)).tolist():
            name, item = event.layout[column], event.items[row].item_id
            pair = float(logged[row, column]), float(computed[row, column])
            self.differing[name] += 1
            self.examples.setdefault(name, (event.request_id, item, *pair))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict; a mismatch names its column, an example and its cause."""
        names = ("request", "item", "logged", "computed")
        mismatches = [
            {"feature": name, "times": times, "cause": cause_of(name)}
            | dict(zip(names, self.examples[name], strict=True))
            for name, times in self.differing.most_common()
        ]
        counted = {"requests": self.requests, "vectors": self.vectors, "features": self.features}
        return counted | {"in_flight": self.in_flight, "mismatches": mismatches}


_NONE = np.empty(0, dtype=np.int64)


def recorded(home: Home, since: int | None = None, until: int | None = None) -> list[ServedEvent]:
    """Return the compacted answers with logged vectors, by instant, from `since` to before `until`.

    Raises:
        DatasetError: the range is empty.
    """
    if since is not None and until is not None and since >= until:
        raise DatasetError(
            f"Expected a range that begins before it ends, found {to_text(since)} to "
            f"{to_text(until)}."
        )
    paths = EventLog(home, Clock()).relation_paths("served")
    events = [event for path in paths for event in read_relation(path)]
    chosen = [
        event
        for event in events
        if isinstance(event, ServedEvent)
        and event.vectors
        and (since is None or event.event_time >= since)
        and (until is None or event.event_time < until)
    ]
    return sorted(chosen, key=lambda event: (event.event_time, event.event_id))


def waiting(home: Home) -> int:
    """Count the answers with logged vectors that are not compacted yet."""
    logged = EventLog(home, Clock()).unsealed()
    return sum(isinstance(event, ServedEvent) and bool(event.vectors) for event in logged)


def compare(
    home: Home, events: Sequence[ServedEvent], prior: RatePrior, *, shift: int = 0
) -> Comparison:
    """Compare each answer's vectors with those computed for its instant, moved by `shift` µs."""
    comparison = Comparison()
    for event, matrix in zip(
        events, _computed(home, events, prior, [shift] * len(events)), strict=True
    ):
        comparison.add(event, matrix)
    return comparison


def verify(home: Home, events: Sequence[ServedEvent]) -> Comparison:
    """Compare with the prior of each answer's own ranker; count answers in flight separately.

    Raises:
        DatasetError: an answer has other columns than this shop, or its ranker was removed.
        ArtifactError: its ranker is damaged.
    """
    shop = Shop.load(home.shop_toml)
    columns = {service: feature_columns(shop, service) for service in BUILT_IN}
    foreign = [
        event.request_id for event in events if event.layout != columns.get(_service_of(event))
    ]
    if foreign:
        raise DatasetError(
            f"{len(foreign)} answers, {foreign[0]} the first, have other columns than the shop's "
            "now; verify a range after the last change of shop.toml or of the platform."
        )
    comparison = Comparison()
    for version in sorted({event.model_version or "" for event in events}):
        of_version = [event for event in events if (event.model_version or "") == version]
        _verify(home, of_version, _prior_of(home, version), comparison)
    return comparison


def _verify(
    home: Home, events: Sequence[ServedEvent], prior: RatePrior, comparison: Comparison
) -> None:
    differing = []
    at_request = _computed(home, events, prior, [0] * len(events))
    for event, matrix in zip(events, at_request, strict=True):
        if np.all(same_bits(logged_matrix(event), matrix)):
            comparison.add(event, matrix)
        else:
            differing.append((event, matrix))
    earlier = _read_earlier(home, [event for event, _ in differing], prior)
    for (event, matrix), was_in_flight in zip(differing, earlier.tolist(), strict=True):
        comparison.add(event, logged_matrix(event) if was_in_flight else matrix)
        comparison.in_flight += was_in_flight


def _prior_of(home: Home, version: str) -> RatePrior:
    """Return the prior of a published ranker."""
    folders = list((home.artifacts / "ranker").glob(f"*/{version}")) if version else []
    if not folders:
        raise DatasetError(
            f"Answers were ranked by {version or 'no ranker'}, which is not among the artifacts of "
            f"{home.root}; verify a range whose ranker is still there."
        )
    return Ranker.load(folders[0]).prior


def cause_of(column: str) -> str:
    """Describe the likely cause, by the feature family of the column that differs."""
    view = column.partition("__")[0]
    batch = [spec.name for spec in all_views() if spec.live is None]
    if view in ("percentiles", "market", "funnel", "query_item", *batch):
        return (
            f"rows of a batch view were not loaded at their midnight: see `aisle refresh`; {_PAST}"
        )
    return f"{view}: live state and events disagree; `aisle refresh` replays the log; {_PAST}"


def logged_matrix(event: ServedEvent) -> Matrix:
    """Return the vectors of an answer, shape (N, F)."""
    flat = np.frombuffer(base64.b64decode(event.vectors or ""), dtype="<f4")
    return flat.reshape(len(event.items), len(event.layout))


def same_bits(one: Matrix, other: Matrix) -> npt.NDArray[np.bool_]:
    """Compare the bits of two float32 matrices of one shape; all NaN are equal."""
    same: npt.NDArray[np.bool_] = one.view(np.uint32) == other.view(np.uint32)
    return same | (np.isnan(one) & np.isnan(other))


def _read_earlier(
    home: Home, events: Sequence[ServedEvent], prior: RatePrior
) -> npt.NDArray[np.bool_]:
    """Whether each answer equals a read at its request without some of the last events."""
    read_earlier = np.zeros(len(events), dtype=bool)
    instants, tries = _instants(home), list[tuple[int, int]]()
    for number, event in enumerate(events):
        first, last = np.searchsorted(instants, [event.event_time - IN_FLIGHT, event.event_time])
        tries += [(number, int(at)) for at in instants[first:last][-_TRIED:]]
    tried = [events[number] for number, _ in tries]
    shifts = [at - events[number].event_time for number, at in tries]
    matrices = _computed(home, tried, prior, shifts, at_request=True)
    for (number, _), event, matrix in zip(tries, tried, matrices, strict=True):
        read_earlier[number] |= np.all(same_bits(logged_matrix(event), matrix))
    return read_earlier


def _instants(home: Home) -> npt.NDArray[np.int64]:
    """Return the distinct instants when events changed features, in order."""
    log = EventLog(home, Clock())
    paths = [
        path for kind in ("item", "ranking", "interaction") for path in log.relation_paths(kind)
    ]
    seen = [pq.read_table(path, columns=["seen_at"])["seen_at"].cast(pa.int64()) for path in paths]
    return np.unique(np.concatenate([part.to_numpy() for part in seen])) if seen else _NONE


def _computed(
    home: Home,
    events: Sequence[ServedEvent],
    prior: RatePrior,
    shifts: Sequence[int],
    *,
    at_request: bool = False,
) -> Iterator[Matrix]:
    """Compute the vectors of each request at its instant plus a shift in µs.

    Features that measure the time since an event end at that instant, or with `at_request` at the
    request.
    """
    if not events:
        return
    shop = Shop.load(home.shop_toml)
    for event, context in zip(
        events, historical_features(home, _rows(events, shifts)), strict=True
    ):
        read = replace(context, source_ranks=sources_of(event))
        read = replace(read, t=event.event_time) if at_request else read
        read = with_overrides(read, event.overrides, shop)
        yield feature_matrix(read, shop, prior, _service_of(event))[: len(event.items)]


def _service_of(event: ServedEvent) -> str:
    """Return the feature service of an answer's ranker."""
    return event.feature_service or RANKING_SERVICE


def _rows(events: Sequence[ServedEvent], shifts: Sequence[int]) -> pa.Table:
    rows = [
        {
            "qid": number,
            "request_id": event.request_id,
            "user_id": event.user_id,
            "session_id": event.session_id,
            "query_key": query_key(event.query, event.market),
            "query": event.query,
            "market": event.market,
            "utc_offset_minutes": event.utc_offset_minutes,
            "item_id": item_id,
            "t": event.event_time + shifts[number],
        }
        for number, event in enumerate(events)
        for item_id in (*(item.item_id for item in event.items), *event.considered)
    ]
    table = pa.Table.from_pylist(rows)
    instants = table["t"].cast(pa.timestamp("us", tz="UTC"))
    return table.set_column(table.column_names.index("t"), "t", instants)
