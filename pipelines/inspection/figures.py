"""Figures that are slow to compute, in memory until what they depend on changes.

The compacted log changes only together with its seals and its index, the features only with their
generation, and an artifact never: the times of a few files are the state of all rows behind them.
"""

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from feature_repo.home import Home

T = TypeVar("T")

MOST_BYTES = 64 << 20


class Figures:
    """Figures by name, each for one state of what it depends on; the oldest leave first.

    A figure is stored as bytes, so that their sum is bounded and no reader changes another's.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._stored: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._computing: dict[Hashable, threading.Lock] = {}
        self._begun: dict[Hashable, Future[bytes]] = {}

    def get(self, name: Hashable, state: Hashable, compute: Callable[[], T]) -> T:
        """Return a figure; compute it if its state changed.

        Requests of the same figure wait for one computation.

        Args:
            state: read before the computation, so that a change during it is noticed later.
        """
        packed = self._find(name, state)
        if packed is None:
            packed = self._computed(name, state, compute)
        figure: T = pickle.loads(packed)
        return figure

    def soon(
        self, name: Hashable, state: Hashable, compute: Callable[[], T], seconds: float | None
    ) -> T | None:
        """Return a figure as `get` does; None if it takes longer than some seconds.

        The computation goes on, and a later request gets its result.

        Args:
            seconds: to wait at most; None for as long as it takes.
        """
        packed = self._find(name, state)
        if packed is None:
            try:
                packed = self._begin(name, state, compute).result(seconds)
            except TimeoutError:
                return None
        figure: T = pickle.loads(packed)
        return figure

    def _begin(self, name: Hashable, state: Hashable, compute: Callable[[], T]) -> Future[bytes]:
        """Compute a figure in a thread, unless one does it already."""
        with self._lock:
            future = self._begun.get((name, state))
            if future is None:
                future = self._begun[(name, state)] = Future()
                arguments = (future, name, state, compute)
                threading.Thread(target=self._finish, args=arguments, daemon=True).start()
            return future

    def _finish(
        self, future: Future[bytes], name: Hashable, state: Hashable, compute: Callable[[], T]
    ) -> None:
        try:
            future.set_result(self._computed(name, state, compute))
        except Exception as error:  # Whoever waits for the result raises it.
            future.set_exception(error)
        finally:
            self._begun.pop((name, state))

    def _computed(self, name: Hashable, state: Hashable, compute: Callable[[], T]) -> bytes:
        with self._lock:
            computing = self._computing.setdefault(name, threading.Lock())
        with computing:
            packed = self._find(name, state)
            if packed is None:
                try:
                    packed = pickle.dumps(compute())
                    self._store(name, state, packed)
                finally:
                    self._computing.pop(name, None)
            return packed

    def _find(self, name: Hashable, state: Hashable) -> bytes | None:
        with self._lock:
            stored, packed = self._stored.get(name, (None, b""))
            if name not in self._stored or stored != state:
                return None
            self._stored.move_to_end(name)
            return packed

    def _store(self, name: Hashable, state: Hashable, packed: bytes) -> None:
        with self._lock:
            self._remove(name)
            self._stored[name] = (state, packed)
            self._bytes += len(packed)
            while self._bytes > self._most_bytes:
                self._remove(next(iter(self._stored)))

    def _remove(self, name: Hashable) -> None:
        self._bytes -= len(self._stored.pop(name, (None, b""))[1])


def log_state(home: Home) -> Hashable:
    """Return the state of the compacted log."""
    index = home.log / "index.db"
    return file_states([home.log / "seals", index, index.with_name("index.db-wal")])


def feature_state(home: Home) -> Hashable:
    """Return the state of the feature rows, whose generations never change."""
    return file_states([home.features.resolve(), home.shop_toml])


def file_states(paths: Iterable[Path]) -> Hashable:
    """Return path, size and time of change of some files, without those that are absent."""
    return tuple(state for path in paths for state in _state(path))


def _state(path: Path) -> Iterable[tuple[str, int, int]]:
    try:
        status = path.stat()
    except OSError:
        return []
    return [(str(path), status.st_size, status.st_ctime_ns)]
