"""One read of several views: the keys to read, and the response built from their strings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from feast import metrics
from feast.protos.feast.serving.ServingService_pb2 import GetOnlineFeaturesResponse

from feature_repo.home import SECOND, to_datetime
from feature_repo.library_internals import entity_values, tracks_online_features
from feature_repo.online.codec import Bools, RowBatch, RowCodec, ViewCodec, report_damage
from feature_repo.online.feast import protobuf_response
from feature_repo.online.feast.protobuf_small import MAX_ROWS, row_encoder
from feature_repo.online.feast.protobuf_wire import PRESENT, merge_results
from feature_repo.online.redis import entity_suffixes

if TYPE_CHECKING:
    from feast import FeatureView


@dataclass(frozen=True)
class ViewRead:
    """The read of one view.

    Attributes:
        view: with its projection.
        codec: of its strings.
        features: requested, in the order of the response.
        keys: one for each of N rows of the response, None where an entity is null.
    """

    view: "FeatureView"
    codec: ViewCodec
    features: Sequence[str]
    keys: Sequence[bytes | None]

    def add_to(self, response: Any, strings: Mapping[bytes, bytes | None], now: int) -> list[str]:
        """Add the view's vectors to a response; return their features."""
        raw, before = self._raw(strings), len(response.results)
        if not self._add_few(raw, now, response):
            self._add_many(raw, now, response)
        if tracks_online_features():
            _track(self.view.name, response.results[before:])
        return [*self.features]

    def rows(
        self, strings: Mapping[bytes, bytes | None], now: int
    ) -> list[tuple[datetime | None, dict[str, Any] | None]]:
        """Return the rows one by one: event time and values.

        Both are None for a missing row; values are None for one older than the view's ttl.
        """
        response = GetOnlineFeaturesResponse()
        batch = self._add_many(self._raw(strings), now, response)
        values = zip(*(vector.values for vector in response.results), strict=True)
        present, alive = batch.present.tolist(), is_alive(self.view, batch, now).tolist()
        times = [to_datetime(at) for at in batch.event.tolist()]
        return [
            (
                time if ok else None,
                dict(zip(self.features, row, strict=True)) if ok and young else None,
            )
            for ok, young, time, row in zip(present, alive, times, values, strict=True)
        ]

    def _raw(self, strings: Mapping[bytes, bytes | None]) -> list[bytes | None]:
        return [None if key is None else strings[key] for key in self.keys]

    def _add_few(self, raw: Sequence[bytes | None], now: int, response: Any) -> bool:
        """Add a few rows quickly; return whether that was possible."""
        if len(raw) > MAX_ROWS or not isinstance(self.codec, RowCodec):
            return False
        rows = row_encoder(self.codec.layout, tuple(self.features))
        results = rows.results(raw, oldest(self.view, now))
        return results is not None and merge_results(response, results)

    def _add_many(self, raw: Sequence[bytes | None], now: int, response: Any) -> RowBatch:
        batch = self.codec.read(raw, now)
        batch = protobuf_response.add(
            response, batch, self.features, is_alive(self.view, batch, now)
        )
        report_damage(self.view.name, batch)
        return batch


@dataclass(frozen=True)
class ReadPlan:
    """The read of several views."""

    reads: Sequence[ViewRead]

    @property
    def keys(self) -> list[bytes]:
        """The distinct keys of all views."""
        return [*dict.fromkeys(key for read in self.reads for key in read.keys if key is not None)]

    def add_to(
        self,
        response: Any,
        values: Sequence[bytes | None],
        now: int,
        *,
        full_names: bool,
        with_versions: bool,
    ) -> None:
        """Add all views to a response, as Feast's own stores do.

        Args:
            response: `GetOnlineFeaturesResponse`.
            values: of `keys`.
            now: instant of the read, µs.
            full_names: whether features are named with their view.
            with_versions: whether to add the views' versions.
        """
        strings = dict(zip(self.keys, values, strict=True))
        for read in self.reads:
            names = read.add_to(response, strings, now)
            view = read.view.projection.name_to_use()
            response.metadata.feature_names.val.extend(
                [f"{view}__{name}" for name in names] if full_names else names
            )
            if with_versions:
                _add_version(read.view, response)


class Suffixes:
    """The key suffixes of a request's rows, computed once for views of the same entities."""

    def __init__(
        self, join_key_values: Mapping[str, Sequence[Any]], join_key_of: Mapping[str, str]
    ) -> None:
        """Take the request's values by join key, and each entity's join key by its name."""
        self._values, self._join_key_of = join_key_values, join_key_of
        self._suffixes: dict[tuple[Any, ...], list[bytes | None]] = {}

    def of(self, view: "FeatureView") -> list[bytes | None]:
        """Return the key suffix of each row, None where an entity is null.

        Raises:
            KeyError: the request does not name all of the view's join keys.
            ValueError: an entity of a type that cannot be a key.
        """
        columns = entity_values(view, self._join_key_of, self._values)
        missing = [key.name for key in view.entity_columns if not columns.get(key.name)]
        if missing:
            raise KeyError(f"{view.name}: missing join key values {missing}")
        identity = tuple((name, id(values)) for name, values in columns.items())
        if identity not in self._suffixes:
            self._suffixes[identity] = entity_suffixes(columns)
        return self._suffixes[identity]


def oldest(view: "FeatureView", now: int) -> int | None:
    """Return the oldest event time, µs, within the view's ttl; None without a ttl.

    A stored on-demand view has none.
    """
    duration = getattr(view, "ttl", None)
    ttl = 0 if duration is None else round(duration.total_seconds() * SECOND)
    return now - ttl if ttl > 0 else None


def is_alive(view: "FeatureView", batch: RowBatch, now: int) -> Bools:
    """Return whether rows are within the view's ttl, shape (N,)."""
    since = oldest(view, now)
    if since is None:
        return np.ones(len(batch.raw), bool)
    young: Bools = batch.event >= since
    return young


def _track(view: str, vectors: Sequence[Any]) -> None:
    """Count values by status, as Feast's own stores do."""
    statuses = [status for vector in vectors for status in vector.statuses]
    present = statuses.count(PRESENT)
    metrics.track_feature_statuses(view, present, len(statuses) - present)


def _add_version(view: "FeatureView", response: Any) -> None:
    name = view.projection.name_alias or view.projection.name
    views = response.metadata.feature_view_metadata
    if name not in [added.name for added in views]:
        views.add(name=name, version=getattr(view, "current_version_number", 0) or 0)
