"""The vectors a service logged, beside those the point-in-time join gives for the same requests."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from feature_repo.clock import Clock
from feature_repo.events.contract import ServedEvent
from feature_repo.events.log import EventLog
from feature_repo.events.relations import read_relation
from feature_repo.query_key import query_key
from feature_repo.rate_prior import RatePrior
from feature_repo.request_features import Matrix, feature_columns, feature_matrix
from feature_repo.shop import Shop
from serving.overrides import with_overrides
from training.known import known_facts


@dataclass
class Comparison:
    """How many were compared, and which columns differed how often.

    Attributes:
        examples: of each column that differed, the first: request, item, logged, computed.
    """

    requests: int = 0
    vectors: int = 0
    features: int = 0
    differing: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str, float, float]] = field(default_factory=dict)

    def add(self, event: ServedEvent, logged: Matrix, computed: Matrix) -> None:
        self.requests += 1
        self.vectors += logged.shape[0]
        self.features += logged.size
        for row, column in np.argwhere(~same_bits(logged, computed)).tolist():
            name, item = event.layout[column], event.items[row].item_id
            pair = float(logged[row, column]), float(computed[row, column])
            self.differing[name] += 1
            self.examples.setdefault(name, (event.request_id, item, *pair))


def same_bits(one: Matrix, other: Matrix):
    """Where two float32 matrices have the same bits; any NaN is the same as any other."""
    assert one.dtype == other.dtype == np.float32
    assert one.shape == other.shape
    return (one.view(np.uint32) == other.view(np.uint32)) | (np.isnan(one) & np.isnan(other))


def recorded(home) -> list[ServedEvent]:
    """The compacted answers whose vectors were logged, in the order of their instants."""
    paths = EventLog(home, Clock()).relation_paths("served")
    events = [event for path in paths for event in read_relation(path)]
    return sorted((e for e in events if e.vectors), key=lambda e: (e.event_time, e.event_id))


def compare(home, events: Sequence[ServedEvent], prior: RatePrior, *, shift: int = 0) -> Comparison:
    """Compare each answer's vectors with what was known at its instant, moved by `shift` µs."""
    found = Comparison()
    for event, matrix in zip(events, _computed(home, events, prior, shift), strict=True):
        found.add(event, logged_matrix(event), matrix)
    return found


def logged_matrix(event: ServedEvent) -> Matrix:
    """The vectors of an answer, shape (N, F)."""
    flat = np.frombuffer(base64.b64decode(event.vectors or ""), dtype="<f4")
    return flat.reshape(len(event.items), len(event.layout))


def _computed(home, events, prior, shift) -> Iterator[Matrix]:
    shop = Shop.load(home.shop_toml)
    assert {event.layout for event in events} == {feature_columns(shop)}
    for event, facts in zip(events, known_facts(home, _rows(events, shift)), strict=True):
        yield feature_matrix(with_overrides(facts, event.overrides, shop), shop, prior)


def _rows(events, shift) -> pa.Table:
    rows = [
        {
            "qid": number,
            "request_id": event.request_id,
            "user_id": event.user_id,
            "query_key": query_key(event.query, event.market),
            "query": event.query,
            "market": event.market,
            "utc_offset_minutes": event.utc_offset_minutes,
            "item_id": item.item_id,
            "t": event.event_time + shift,
        }
        for number, event in enumerate(events)
        for item in event.items
    ]
    table = pa.Table.from_pylist(rows)
    instants = table["t"].cast(pa.timestamp("us", tz="UTC"))
    return table.set_column(table.column_names.index("t"), "t", instants)
