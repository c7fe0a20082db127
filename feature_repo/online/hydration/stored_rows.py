"""Stored rows as plain Python values, column by column: Feast's bytes, decoded without Feast."""

from collections.abc import Callable, Mapping, Sequence
from sys import intern
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.online.codec import RowBatch, RowField, ViewCodec, list_message, report_damage
from feature_repo.online.hydration.decode_cache import CACHE_BYTES, LIST_CACHE_BYTES
from feature_repo.online.hydration.merge import Row
from feature_repo.online.hydration.row_cache import Columns, RowCache
from feature_repo.online.redis import text_suffixes
from feature_repo.views import EVENT_TIMES, PART


class StoredRows:
    """Rows of views whose one entity is a text.  Threads may share it."""

    def __init__(
        self,
        codecs: Mapping[str, ViewCodec],
        columns: Mapping[str, Sequence[str]],
        shared: Sequence[str] = (),
    ) -> None:
        """Read rows of views.

        Args:
            codecs: by view.
            columns: view → its columns after the join key, in the order of its schema.
            shared: views whose rows are the same for many requests, which get large caches; a
                user's row is read by few.
        """
        self._shared = frozenset(shared)
        self._caches: dict[tuple[str, ...], RowCache] = {}
        self._columns, self._codecs = columns, codecs

    def keys(self, ids: Sequence[str], *views: str) -> list[bytes]:
        """Return the keys of N entities in the first view, then in the next."""
        suffixes = text_suffixes(ids)
        return [
            key for view in views for key in self._codecs[view].keys(suffixes) if key is not None
        ]

    def rows(
        self, view: str, raw: Sequence[bytes | None], features: Sequence[str], now: int
    ) -> list[Row | None]:
        """Decode N strings, through a cache; callers must not change a row.

        Args:
            view: of the strings.
            raw: N strings, None where nothing is stored.
            features: of the view, `part` among them.
            now: instant of the read, µs.

        Returns:
            N rows; None for a missing string, and for a damaged one, which is logged.
        """
        name = (view, *features)
        cache = self._caches.get(name)
        if cache is None:
            size = CACHE_BYTES if view in self._shared else LIST_CACHE_BYTES
            cache = self._caches.setdefault(name, RowCache(size))
        rows = cache.rows(raw, lambda missing: self.read(view, missing, features, now))
        return [row if row[PART] is not None else None for row in rows]

    def read(
        self, view: str, raw: Sequence[bytes | None], features: Sequence[str], now: int
    ) -> Columns:
        """Decode N values of each feature, None for missing values and damaged strings."""
        codec = self._codecs[view]
        fields = [codec.layout.fields[codec.layout.positions[name]] for name in features]
        batch = codec.read(raw, now)
        try:
            columns = {field.name: _values(batch, field) for field in fields}
        except (ValueError, _decode_error()):
            batch = batch.without(
                np.array([_is_damaged(batch, fields, n) for n in range(len(raw))])
            )
            columns = {field.name: _values(batch, field) for field in fields}
        report_damage(view, batch)
        return columns

    def event_times(
        self, view: str, raw: Sequence[bytes | None], now: int
    ) -> list[Mapping[str, int]]:
        """Decode when each feature of N rows was set: feature → event time, µs.

        The mapping is empty for a missing or damaged string.
        """
        if not raw:
            return []
        names, times = self._columns[view], self.read(view, raw, [EVENT_TIMES], now)[EVENT_TIMES]
        return [dict(zip(names, of_row or (), strict=False)) for of_row in times]

    def numbers(
        self, view: str, raw: Sequence[bytes | None], features: Sequence[str], now: int
    ) -> npt.NDArray[np.float64]:
        """Decode F numeric features, shape (F, N), NaN where missing."""
        codec = self._codecs[view]
        batch = codec.read(raw, now)
        report_damage(view, batch)
        positions = [codec.layout.positions[name] for name in features]
        block = np.empty((len(positions), len(raw)))
        for column, position in zip(block, positions, strict=True):
            column[:] = batch.values(codec.layout.fields[position])
        block[batch.nulls[:, positions].T] = np.nan
        return block


def _values(batch: RowBatch, field: RowField, rows: slice = slice(None)) -> list[Any]:
    if field.block is None:
        decode, payloads = _decoder(field), batch.payloads(field)[rows]
        if None not in payloads:
            return [*map(decode, payloads)]  # type: ignore[arg-type]
        return [None if text is None else decode(text) for text in payloads]
    values: list[Any] = batch.values(field)[rows].tolist()
    if field.kind == "BOOL":
        values = [value != 0 for value in values]
    for n in np.flatnonzero(batch.nulls[rows, batch.layout.positions[field.name]]).tolist():
        values[n] = None
    return values


def _decoder(field: RowField) -> Callable[[bytes], Any]:
    if field.kind == "STRING":
        return _text
    message = list_message(field.kind)
    return lambda payload: list(message.FromString(payload).val)


def _text(payload: bytes) -> str:
    """Intern texts, so that equal brands of hundreds of items are one object in memory."""
    return intern(payload.decode())


def _is_damaged(batch: RowBatch, fields: Sequence[RowField], n: int) -> bool:
    try:
        for field in fields:
            _values(batch, field, slice(n, n + 1))
    except (ValueError, _decode_error()):
        return True
    return False


def _decode_error() -> type[Exception]:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    return DecodeError  # type: ignore[no-any-return]
