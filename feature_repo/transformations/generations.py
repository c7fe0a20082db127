"""All features of a home at a time: a run builds them in a folder of its own, and links to it last.

features -> .features/00000012

Whoever reads `features` sees one run's rows of every view, whole; a run that is killed leaves a
folder that nobody reads, and that the next run takes away.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feature_repo.home import Home, sync_folder


@contextmanager
def next_generation(home: Home) -> Iterator[Path]:
    """Give an empty folder that becomes the home's features, in one step, when the block ends.

    An exception inside leaves the features as they were.  The caller holds the home's lock.
    """
    shelf = home.feature_generations
    shelf.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name) for path in shelf.glob("[0-9]*")), default=0)
    _clear(shelf, but=home.features.resolve())
    folder = shelf / f"{number:08d}"
    folder.mkdir()
    try:
        yield folder
        for path in (*folder.rglob("*/"), folder):
            sync_folder(path)
        _link(home, folder)
    finally:
        _clear(shelf, but=home.features.resolve())


def sweep(home: Home) -> None:
    """Take away what a run left that was killed after its last step.

    The caller holds the home's lock.
    """
    if home.feature_generations.exists():
        _clear(home.feature_generations, but=home.features.resolve())


def take_over(before: Path, folder: Path) -> None:
    """Let a generation begin with the Parquet files of another; none is copied where links can be.

    A file of a generation never changes, so the two may share it.
    """
    for path in before.rglob("*.parquet"):
        target = folder / path.relative_to(before)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copy2(path, target)


def _link(home: Home, folder: Path) -> None:
    link = folder.parent / "next"
    link.symlink_to(folder.relative_to(home.root))
    if home.features.is_dir() and not home.features.is_symlink():
        home.features.rename(folder.parent / "plain")
    link.replace(home.features)
    sync_folder(home.root)


def _clear(shelf: Path, *, but: Path) -> None:
    for path in shelf.iterdir():
        if path.is_symlink():
            path.unlink()
        elif path.resolve() != but:
            shutil.rmtree(path)
