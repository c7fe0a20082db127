"""One read of several views: which keys to ask for, and the answer made of what they hold."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from feast import metrics
from feast.protos.feast.serving.ServingService_pb2 import GetOnlineFeaturesResponse

from feature_repo.home import SECOND, to_datetime
from feature_repo.library_internals import entity_values, tracks_online_features
from feature_repo.online.codec import Bools, RowBatch, RowCodec, ViewCodec
from feature_repo.online.feast import protobuf_response
from feature_repo.online.feast.protobuf_small import FEW, few_rows
from feature_repo.online.feast.protobuf_wire import PRESENT, merged
from feature_repo.online.redis import entity_suffixes

if TYPE_CHECKING:
    from feast import FeatureView

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ViewRead:
    """What is read of one view.

    Attributes:
        view: with its projection.
        codec: of its strings.
        features: asked for, in the order of the protobuf_response.
        keys: one for each of N rows of the answer, None where an entity is null.
    """

    view: "FeatureView"
    codec: ViewCodec
    features: Sequence[str]
    keys: Sequence[bytes | None]

    def answer(self, found: Mapping[bytes, bytes | None], now: int, response: Any) -> list[str]:
        """Add the view's vectors to an answer; give the features they are of."""
        raw, before = self._raw(found), len(response.results)
        if not self._answer_few(raw, now, response):
            self._answer_many(raw, now, response)
        if tracks_online_features():
            _track(self.view.name, response.results[before:])
        return [*self.features]

    def rows(
        self, found: Mapping[bytes, bytes | None], now: int
    ) -> list[tuple[datetime | None, dict[str, Any] | None]]:
        """The rows one by one: time and values, both None where there is none, values None where
        it is older than the view's ttl.
        """
        response = GetOnlineFeaturesResponse()
        batch = self._answer_many(self._raw(found), now, response)
        values = zip(*(vector.values for vector in response.results), strict=True)
        ages = alive(self.view, batch, now).tolist()
        times = [to_datetime(at) for at in batch.event.tolist()]
        return [
            (
                time if ok else None,
                dict(zip(self.features, row, strict=True)) if ok and young else None,
            )
            for ok, young, time, row in zip(batch.found.tolist(), ages, times, values, strict=True)
        ]

    def _raw(self, found: Mapping[bytes, bytes | None]) -> list[bytes | None]:
        return [None if key is None else found[key] for key in self.keys]

    def _answer_few(self, raw: Sequence[bytes | None], now: int, response: Any) -> bool:
        """The quick way, and whether it could be gone."""
        if len(raw) > FEW or not isinstance(self.codec, RowCodec):
            return False
        rows = few_rows(self.codec.layout, tuple(self.features))
        results = rows.results(raw, oldest(self.view, now))
        return results is not None and merged(response, results)

    def _answer_many(self, raw: Sequence[bytes | None], now: int, response: Any) -> RowBatch:
        batch = self.codec.read(raw, now)
        batch = protobuf_response.add(response, batch, self.features, alive(self.view, batch, now))
        report_damage(self.view.name, batch)
        return batch


@dataclass(frozen=True)
class ReadPlan:
    """One read of several views."""

    reads: Sequence[ViewRead]

    @property
    def keys(self) -> list[bytes]:
        """Every key once."""
        return [*dict.fromkeys(key for read in self.reads for key in read.keys if key is not None)]

    def answer(
        self,
        values: Sequence[bytes | None],
        now: int,
        response: Any,
        *,
        full_names: bool,
        with_versions: bool,
    ) -> None:
        """Add to an answer what the keys hold, as Feast's own stores do.

        Args:
            values: of `keys`.
            now: instant of the read, µs.
            response: `GetOnlineFeaturesResponse`.
            full_names: whether features are named with their view.
            with_versions: whether to say the views' versions.
        """
        found = dict(zip(self.keys, values, strict=True))
        for read in self.reads:
            names = read.answer(found, now, response)
            view = read.view.projection.name_to_use()
            response.metadata.feature_names.val.extend(
                [f"{view}__{name}" for name in names] if full_names else names
            )
            if with_versions:
                _add_version(read.view, response)


class Suffixes:
    """The ends of the keys of a request's rows, made once for views of the same entities."""

    def __init__(
        self, join_key_values: Mapping[str, Sequence[Any]], join_key_of: Mapping[str, str]
    ) -> None:
        """Take the request's values by join key, and each entity's join key by its name."""
        self._values, self._join_key_of = join_key_values, join_key_of
        self._known: dict[tuple[Any, ...], list[bytes | None]] = {}

    def of(self, view: "FeatureView") -> list[bytes | None]:
        """The end of each row's key, None where an entity is null.

        Raises:
            KeyError: the request does not name all of the view's join keys.
            ValueError: an entity of a type that cannot be a key.
        """
        columns = entity_values(view, self._join_key_of, self._values)
        missing = [key.name for key in view.entity_columns if not columns.get(key.name)]
        if missing:
            raise KeyError(f"{view.name}: missing join key values {missing}")
        place = tuple((name, id(values)) for name, values in columns.items())
        if place not in self._known:
            self._known[place] = entity_suffixes(columns)
        return self._known[place]


def oldest(view: "FeatureView", now: int) -> int | None:
    """The event time, µs, up to which rows are within the view's ttl; none where it never ends."""
    ttl = 0 if view.ttl is None else round(view.ttl.total_seconds() * SECOND)
    return now - ttl if ttl > 0 else None


def alive(view: "FeatureView", batch: RowBatch, now: int) -> Bools:
    """Shape (N,): whether rows are within the view's ttl, to the instant."""
    since = oldest(view, now)
    if since is None:
        return np.ones(len(batch.raw), bool)
    young: Bools = batch.event >= since
    return young


def report_damage(view: str, batch: RowBatch) -> None:
    """Say that strings of a view could not be read as its rows."""
    if batch.damaged.any():
        _logger.warning(
            "%d of %d rows of %s read as missing: they are damaged, or of another schema",
            batch.damaged.sum(), len(batch.raw), view,
        )  # fmt: skip


def _track(view: str, vectors: Sequence[Any]) -> None:
    """Count values by status, as Feast's own stores do."""
    statuses = [status for vector in vectors for status in vector.statuses]
    present = statuses.count(PRESENT)
    metrics.track_feature_statuses(view, present, len(statuses) - present)


def _add_version(view: "FeatureView", response: Any) -> None:
    name = view.projection.name_alias or view.projection.name
    views = response.metadata.feature_view_metadata
    if name not in [known.name for known in views]:
        views.add(name=name, version=getattr(view, "current_version_number", 0) or 0)
