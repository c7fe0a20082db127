"""Stored rows as plain Python values, column by column: the bytes Feast reads, without Feast."""

from collections.abc import Callable, Sequence
from sys import intern
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from feature_repo.online.codec import RowBatch, RowField, ViewCodec, codec_of, message_class
from feature_repo.online.feast import report_damage
from feature_repo.online.hydration.decode_cache import KEPT_BYTES, KEPT_BYTES_OF_SOME
from feature_repo.online.hydration.merge import PART, Row
from feature_repo.online.hydration.row_cache import Columns, RememberedRows
from feature_repo.online.redis import text_suffixes

if TYPE_CHECKING:
    from feast import FeatureView


class StoredRows:
    """Rows of views whose one entity is a text.  Threads may share it."""

    def __init__(
        self, project: str, views: "Sequence[FeatureView]", remembered: Sequence[str] = ()
    ) -> None:
        """Read the rows of `views`; those of views to be `remembered` are kept at length."""
        self._remembered = frozenset(remembered)
        self._memos: dict[tuple[str, ...], RememberedRows] = {}
        self._codecs: dict[str, ViewCodec] = {
            view.name: codec_of(project, view, view.name) for view in views
        }

    def keys(self, ids: Sequence[str], *views: str) -> list[bytes]:
        """The keys of N entities in a view, then in the next."""
        suffixes = text_suffixes(ids)
        return [
            key for view in views for key in self._codecs[view].keys(suffixes) if key is not None
        ]

    def rows(
        self, view: str, raw: Sequence[bytes | None], features: Sequence[str], now: int
    ) -> list[Row | None]:
        """What lies under N keys; None where nothing does, or where it is damaged, which is logged.

        What was read before is not read again; nobody may change a row.

        Args:
            view: whose keys.
            raw: N strings, None where there is none.
            features: of the view, `part` among them.
            now: instant of the read, µs.
        """
        asked = (view, *features)
        memo = self._memos.get(asked)
        if memo is None:
            kept = KEPT_BYTES if view in self._remembered else KEPT_BYTES_OF_SOME
            memo = self._memos.setdefault(asked, RememberedRows(kept))
        found = memo.rows(raw, lambda unknown: self.read(view, unknown, features, now))
        return [row if row[PART] is not None else None for row in found]

    def read(
        self, view: str, raw: Sequence[bytes | None], features: Sequence[str], now: int
    ) -> Columns:
        """N values of each feature, None where there is none; damage is absent, and logged."""
        codec = self._codecs[view]
        fields = [codec.layout.fields[codec.layout.places[name]] for name in features]
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

    def numbers(
        self, view: str, raw: Sequence[bytes | None], features: Sequence[str], now: int
    ) -> npt.NDArray[np.float64]:
        """The same of F features that are numbers, shape (F, N), NaN where there is none."""
        codec = self._codecs[view]
        batch = codec.read(raw, now)
        report_damage(view, batch)
        places = [codec.layout.places[name] for name in features]
        block = np.empty((len(places), len(raw)))
        for column, place in zip(block, places, strict=True):
            column[:] = batch.values(codec.layout.fields[place])
        block[batch.nulls[:, places].T] = np.nan
        return block


def _values(batch: RowBatch, field: RowField, only: slice = slice(None)) -> list[Any]:
    if field.block is None:
        decode, payloads = _decoder(field), batch.payloads(field)[only]
        if None not in payloads:
            return [*map(decode, payloads)]  # type: ignore[arg-type]
        return [None if text is None else decode(text) for text in payloads]
    values: list[Any] = batch.values(field)[only].tolist()
    if field.kind == "BOOL":
        values = [value != 0 for value in values]
    for n in np.flatnonzero(batch.nulls[only, batch.layout.places[field.name]]).tolist():
        values[n] = None
    return values


def _decoder(field: RowField) -> Callable[[bytes], Any]:
    message = message_class(field.kind)
    if message is not None:
        return lambda payload: list(message.FromString(payload).val)
    return _text if field.kind == "STRING" else bytes


def _text(payload: bytes) -> str:
    """Equal texts as one: brands of hundreds of items are then found in memory that is near."""
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
