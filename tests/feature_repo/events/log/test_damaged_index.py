"""A damaged index of the log is built again by whoever reads it: it is derived from the log."""

import random
import shutil
import sqlite3
from contextlib import closing

import pytest

from feature_repo.events.log import COMPACTION_LOCK, EventLog
from feature_repo.home import Home, LogError, locked
from tests.feature_repo.events.conftest import ManualClock
from tests.feature_repo.events.event_samples import click, ranking

CLICKS = [f"c{n}" for n in range(200)]


@pytest.fixture(scope="module")
def compacted_home(tmp_path_factory):
    """A home with a compacted log, whose index no process has open."""
    home = Home(tmp_path_factory.mktemp("compacted") / "home")
    log = EventLog(home, ManualClock())
    log.writer().append([ranking("r1"), *map(click, CLICKS)])
    log.seal()
    log.compact()
    with closing(sqlite3.connect(home.log / "index.db")) as index:
        index.execute("pragma wal_checkpoint(truncate)")
    return home


@pytest.fixture
def copied(compacted_home, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(compacted_home.root, home.root)
    return home, EventLog(home, ManualClock())


def other_file(path):
    path.write_bytes(b"not a database" * 100)


def cut(path):
    path.write_bytes(path.read_bytes()[:10_000])


def random_pages(path):
    content = path.read_bytes()
    path.write_bytes(content[:4096] + random.Random(1).randbytes(len(content) - 4096))


def without_tables(path):
    path.write_bytes(b"")


def without_table_of_events(path):
    with closing(sqlite3.connect(path)) as index, index:
        index.execute("alter table events rename column entries to other")


def missing(path):
    path.unlink()


DAMAGES = [other_file, cut, random_pages, without_tables, without_table_of_events, missing]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_index_is_built_again_by_its_reader(copied, damage):
    home, log = copied
    damage(home.log / "index.db")

    assert log.compacted_ids([*CLICKS, "x"]) == {*CLICKS}
    assert EventLog(home, ManualClock()).ranking("r1") is not None


@pytest.mark.parametrize("damage", DAMAGES)
def test_index_that_is_damaged_while_it_is_open_is_built_again(copied, damage):
    home, log = copied
    assert log.ranking("r1") is not None

    damage(home.log / "index.db")

    assert log.ranking("r1") is not None
    assert log.compacted_ids([*CLICKS, "x"]) == {*CLICKS}


@pytest.mark.parametrize("damage", DAMAGES)
def test_compaction_builds_a_damaged_index_again(copied, damage):
    home, log = copied
    damage(home.log / "index.db")

    log.writer().append([click("c1"), click("new")])
    log.seal()
    log.compact()

    assert log.compacted_ids([*CLICKS, "new"]) == {*CLICKS, "new"}


def test_during_a_compaction_the_error_says_to_try_again(copied):
    home, log = copied
    cut(home.log / "index.db")

    compaction = locked(home.log / COMPACTION_LOCK)
    with compaction, pytest.raises(LogError, match="the compaction that runs builds it again"):
        log.compacted_ids(CLICKS)

    assert log.compacted_ids(CLICKS) == {*CLICKS}
