"""Rows of values and of numbers that were read before."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.online.remembered import KEPT_BYTES, Remembered
from feature_repo.slate_facts import as_numbers

Columns = dict[str, Any]
"""N values of each feature: a list, None where there is none; an array of numbers, NaN alike."""

Block = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class RememberedRows:
    """The values of one view's rows.  Threads may share it; nobody may change a value."""

    def __init__(
        self, names: Sequence[str], numbers: Sequence[str] = (), kept_bytes: int = KEPT_BYTES
    ) -> None:
        """Remember these features of each row, of strings of so many bytes.

        Args:
            names: of features given as lists.
            numbers: of those given as arrays, which are so remembered that many are read at once.
            kept_bytes: of strings.
        """
        self._names, self._numbers = tuple(names), tuple(numbers)
        self._rows: Remembered[tuple[Any, ...]] = Remembered(kept_bytes)

    def columns(
        self, raw: Sequence[bytes | None], decode: Callable[[Sequence[bytes | None]], Columns]
    ) -> Columns:
        """The columns of N strings, of which `decode` is asked for those not seen before.

        Args:
            raw: None where there is no row.
            decode: gives the columns of some strings, all None for a damaged row.
        """
        rows = self._rows.of(raw, lambda unknown: self._decoded(unknown, decode))
        *values, packed = zip(*rows, strict=True) if rows else ((),) * (len(self._names) + 1)
        columns: Columns = {n: [*column] for n, column in zip(self._names, values, strict=True)}
        if not self._numbers:
            return columns
        numbers = np.frombuffer(b"".join(packed)).reshape(len(raw), len(self._numbers)).T.copy()
        return columns | dict(zip(self._numbers, numbers, strict=True))

    def _decoded(
        self,
        unknown: Sequence[bytes | None],
        decode: Callable[[Sequence[bytes | None]], Columns],
    ) -> list[tuple[tuple[Any, ...], bool]]:
        columns = decode(unknown)
        rows = zip(*(columns[name] for name in self._names), strict=True)
        numbers = np.array([as_numbers(columns[name]) for name in self._numbers])
        packed = (
            [of_row.tobytes() for of_row in numbers.T] if self._numbers else [b""] * len(unknown)
        )
        known = [
            any(value is not None for value in row) for row in zip(*columns.values(), strict=True)
        ]
        return [
            ((*row, of_row), text is None or is_known)
            for text, row, of_row, is_known in zip(unknown, rows, packed, known, strict=True)
        ]


class RememberedNumbers:
    """The numbers of rows that hold nothing else, or of tiles.  Threads may share it."""

    def __init__(self) -> None:
        self._rows: Remembered[bytes] = Remembered(KEPT_BYTES)

    def block(
        self,
        raw: Sequence[bytes | None],
        decode: Callable[[Sequence[bytes | None]], tuple[Block, Flags]],
    ) -> Block:
        """The F numbers of N strings, shape (F, N), of which `decode` is asked for those not seen.

        Args:
            raw: None where there is none.
            decode: gives the numbers of M strings, shape (M, F), and which of them are damaged.
        """
        if not raw:
            return decode(raw)[0].T
        rows = self._rows.of(raw, lambda unknown: _as_bytes(*decode(unknown)))
        block = np.frombuffer(b"".join(rows)).reshape(len(raw), -1)
        return np.ascontiguousarray(block.T)


def _as_bytes(block: Block, damaged: Flags) -> list[tuple[bytes, bool]]:
    return [(row.tobytes(), not bad) for row, bad in zip(block, damaged.tolist(), strict=True)]
