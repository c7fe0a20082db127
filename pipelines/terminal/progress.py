"""Progress of long work on standard error: lines, and on a terminal a bar."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int | None], None]


def announce(text: str) -> None:
    """Write a line."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class _Line:
    """Progress that is one line."""

    def __init__(self, label: str) -> None:
        self._label: str | None = label

    def __call__(self, _done: int, _total: int | None) -> None:
        if self._label is not None:
            announce(f"{self._label} …")
            self._label = None


@contextmanager
def progress_bar(label: str) -> Iterator[Progress]:
    """Yield `draw(done, total or None)`, which draws on standard error if that is a terminal.

    Otherwise the first call writes the label as a line: a log of the work has its stages.
    """
    if not sys.stderr.isatty():
        yield _Line(label)
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
