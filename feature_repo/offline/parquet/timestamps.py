"""Arrow times as integer microseconds since 1970 UTC, whatever their unit or zone.

A time without a zone is UTC.  Times of entity rows are rounded down to whole microseconds, times of
feature rows up, so that a join never uses a row before its time.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Instants = npt.NDArray[np.int64]

NULL_TIME = int(np.iinfo(np.int64).min)
"""The value of a null time."""

UTC_MICROS = pa.timestamp("us", tz="UTC")

_MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def micros(times: pa.ChunkedArray | pa.Array, *, up: bool = False) -> Instants:
    """Convert n times (timestamps of any unit, dates, or ISO texts) to µs, `NULL_TIME` where null.

    >>> micros(pa.array([1, None], pa.timestamp("ms")))
    array([                1000, -9223372036854775808])
    >>> micros(pa.array([1001], pa.timestamp("ns")), up=True)
    array([2])

    Raises:
        pyarrow.ArrowInvalid: the time does not fit into 64 bits.
        ValueError: a text is not a time.
    """
    whole = times.combine_chunks() if isinstance(times, pa.ChunkedArray) else times
    instants: Instants = _numbers(whole, up).fill_null(NULL_TIME).to_numpy(zero_copy_only=False)
    return instants


def as_utc(times: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Convert times to timestamp[us, UTC]."""
    whole = times.combine_chunks() if isinstance(times, pa.ChunkedArray) else times
    return whole if whole.type == UTC_MICROS else _numbers(whole).cast(UTC_MICROS)


def _numbers(times: pa.Array, up: bool = False) -> pa.Array:
    if pa.types.is_date(times.type):
        return _numbers(times.cast(pa.timestamp("s")))
    if not pa.types.is_timestamp(times.type):
        return _numbers(_parsed(times))
    numbers = times.cast(pa.int64())
    if times.type.unit == "ns":
        nanos = numbers.fill_null(0).to_numpy(zero_copy_only=False)
        whole = -(-nanos // 1000) if up else nanos // 1000
        return pa.array(whole, mask=numbers.is_null().to_numpy(zero_copy_only=False))
    scale = _MICROS[times.type.unit]
    return numbers if scale == 1 else pc.multiply_checked(numbers, scale)


def _parsed(texts: pa.Array) -> pa.Array:
    import pandas as pd

    parsed = pd.to_datetime(pd.Series(texts.to_pandas()), utc=True, format="ISO8601")
    return pa.Array.from_pandas(parsed.dt.as_unit("us"))
