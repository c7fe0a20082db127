"""The entities of a request, in whatever form Python has them, as the ends of their keys.

Values are taken as `get_online_features` takes them: converted by Feast to the type that the view
declares for its join key.  Lists of plain text or plain integers, a slate's, need no conversion.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from feast import ValueType
from feast.type_map import python_values_to_proto_values

from feature_repo.online.redis import entity_suffixes, text_suffixes

_LEAST, _GREATEST = -(2**63), 2**63 - 1


def listed(name: str, values: object) -> Sequence[Any] | None:
    """The values of a list, an array or a series; None for one value.

    Raises:
        ValueError: it has no order, or more than one dimension.

    >>> listed("item_id", range(2)), listed("item_id", "ab")
    (range(0, 2), None)
    """
    if isinstance(values, list | tuple | range):
        return values
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.to_pylist()  # type: ignore[no-any-return]
    if isinstance(values, np.ndarray | pd.Series | pd.Index) and values.ndim == 1:
        return pd.Series(values).tolist()
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        return None
    raise ValueError(
        f"{name}: expected one value, or a list, array or series with one for each row, "
        f"found {type(values).__name__}"
    )


def request_suffixes(name: str, values: Sequence[Any], kind: str) -> list[bytes | None]:
    """What the keys of entities with one value each end with; None for null.

    Args:
        name: of the join key, for messages.
        values: N Python or numpy values.
        kind: name of the Feast value type that the join key is declared.

    Raises:
        ValueError: a value that does not convert to the type.

    >>> request_suffixes("user_id", [7, "8", None], "INT64")
    [b'i1:7', b'i1:8', None]
    """
    types = {*map(type, values)}
    if types == {str} and kind == "STRING":
        return [*text_suffixes(values)]
    if types == {int} and kind == "INT64" and min(values) >= _LEAST and max(values) <= _GREATEST:
        return [b"i%d:%d" % (len(str(value)), value) for value in values]
    plain = [_plain(name, value) for value in values]
    try:
        return entity_suffixes({name: python_values_to_proto_values(plain, ValueType[kind])})
    except (AssertionError, OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected {kind}, found {_first(plain)!r} ({error})") from error


def _plain(name: str, value: Any) -> Any:
    """Python's own value of numpy's, None for every kind of null."""
    if isinstance(value, list | tuple | set | dict | np.ndarray):
        raise ValueError(f"{name}: expected one value a row, found {type(value).__name__}")
    if value is None or pd.isna(value):
        return None
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value)
    return value.item() if isinstance(value, np.generic) else value


def _first(values: Sequence[Any]) -> Any:
    return next((value for value in values if value is not None), None)
