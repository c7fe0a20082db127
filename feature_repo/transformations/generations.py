"""Generations of features: a run builds all rows in a new folder and links to it at the end.

features -> .features/00000012

A reader of `features` sees the complete rows of one run.  A killed run leaves a folder without a
link, which the next run removes.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feature_repo.home import Home, sync_folder


@contextmanager
def next_generation(home: Home) -> Iterator[Path]:
    """Yield an empty folder that becomes the home's features, in one step, when the block ends.

    An exception inside leaves the features unchanged.  The caller holds the home's lock.
    """
    generations = home.feature_generations
    generations.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.name) for path in generations.glob("[0-9]*")), default=0)
    _clear(generations, but=home.features.resolve())
    folder = generations / f"{number:08d}"
    folder.mkdir()
    try:
        yield folder
        for path in (*folder.rglob("*/"), folder):
            sync_folder(path)
        _link(home, folder)
    finally:
        _clear(generations, but=home.features.resolve())


def sweep(home: Home) -> None:
    """Remove the folders of killed runs.

    The caller holds the home's lock.
    """
    if home.feature_generations.exists():
        _clear(home.feature_generations, but=home.features.resolve())


def take_over(before: Path, folder: Path) -> None:
    """Start a generation with the Parquet files of the last one, by hard links where possible.

    A file of a generation never changes, so both may share it.
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


def _clear(generations: Path, *, but: Path) -> None:
    for path in generations.iterdir():
        if path.is_symlink():
            path.unlink()
        elif path.resolve() != but:
            shutil.rmtree(path)
