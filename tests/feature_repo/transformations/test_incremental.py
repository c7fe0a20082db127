"""An incremental run writes the same rows as a rebuild."""

import os
import shutil
import signal
import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings

from feature_repo.events.contract import InteractionEvent, RankingEvent, ShownItem, UserEvent
from feature_repo.home import DAY, HOUR, Home
from feature_repo.transformations import run, staged_log, transform
from tests.feature_repo.events.crashing_process import run_crashing
from tests.feature_repo.growing_log import START, GrowingLog, growth, rebuilt, rows
from tests.scale import examples

DEATHS = 5


@pytest.fixture
def few(monkeypatch):
    """Use lists so short that histories fill them, and a slice for every few users."""
    for name, value in (("K_CLICKED", 2), ("K_SHOWN", 3), ("K_QUERY_ITEMS", 2)):
        monkeypatch.setattr(staged_log, name, value)
    monkeypatch.setattr(run, "ROWS_PER_SLICE", 10)


def differences(home, other):
    """Return the rows that only one of two homes has, by view."""
    first, second = rows(home), rows(other)
    assert first.keys() == second.keys()
    return {
        view: {
            "first": [row for row in first[view] if row not in second[view]],
            "second": [row for row in second[view] if row not in first[view]],
        }
        for view in first
        if first[view] != second[view]
    }


@settings(max_examples=examples(5), deadline=None, suppress_health_check=list(HealthCheck))
@given(growth)
def test_incremental_rows_equal_those_of_a_rebuild(tmp_path_factory, few, steps):
    folder = tmp_path_factory.mktemp("grown")
    grown = GrowingLog(Home(folder / "home"))

    reports = grown.grow(steps)

    assert [report.rebuilt for report in reports] == [True, *[False] * (len(steps) - 1)]
    assert differences(grown.home, rebuilt(grown.home, folder / "other")) == {}


def grown_with(home, *batches):
    """Return a log with a refresh after each batch of events, an hour apart."""
    grown = GrowingLog(home)
    grown.reports = []
    for batch in batches:
        grown.take(batch)
        grown.wait(HOUR)
        grown.reports.append(grown.refresh())
    return grown


def slate(event_id, at=START, user="u", items="ab"):
    return RankingEvent(
        event_id=event_id,
        event_time=at,
        request_id=event_id,
        user_id=user,
        query="hats",
        items=tuple(map(ShownItem, items)),
    )


def click(event_id, request=None, at=START, item="a", **more):
    return InteractionEvent(
        event_id=event_id, event_time=at, item_id=item, type="click", request_id=request, **more
    )


def spoil(path):
    """Make a file unreadable without changing its size and time."""
    about = path.stat()
    path.write_bytes(b"x" * about.st_size)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


OLD = [slate(f"old-{n}", items=(f"i{n}", "a")) for n in range(300)]
NEW = [slate("new"), click("c", "new", user_id="w")]


@pytest.mark.parametrize("size", [10, 300])
def test_old_files_of_the_log_are_not_read(home, size):
    grown = grown_with(home, OLD[:size])
    for path in grown.log.relation_paths("*"):
        spoil(path)

    grown.take(NEW)
    report = grown.refresh()

    assert (report.rebuilt, report.events) == (False, len(NEW))
    assert {view: report.views[view].rows for view in ("item_attributes", "user_recent")} == {
        "item_attributes": 0,
        "user_recent": 2,
    }


def test_old_events_named_by_new_ones_are_read(home, tmp_path):
    grown = grown_with(home, OLD, [click("c1", "old-7"), click("c2", at=START + 1, corrects="c3")])

    grown.take([click("c3", "old-7"), click("c4", "old-7", corrects="c1")])
    report = grown.refresh()

    assert (report.rebuilt, report.events) == (False, 2 + len(["old-7", "c1"]))
    assert differences(grown.home, rebuilt(grown.home, tmp_path / "other")) == {}


def test_linked_events_older_than_a_full_list_change_it_as_in_a_rebuild(few, home, tmp_path):
    clicks = [click(f"c{n}", at=START + n, user_id="u") for n in (1, 2)]
    link = UserEvent(event_id="l", event_time=START, user_id="u", op="link", session_id="s")

    grown = grown_with(home, [click("c0", session_id="s"), *clicks], [link])

    assert not grown.reports[1].rebuilt
    assert grown.reports[1].views["user_recent"].rows == 1
    assert differences(grown.home, rebuilt(grown.home, tmp_path / "other")) == {}


def test_seal_without_events_advances_windows_and_midnights(home, tmp_path):
    grown = grown_with(home, [*NEW, click("c2", at=START + 1)])

    grown.wait(2 * DAY)
    report = grown.refresh()

    assert (report.rebuilt, report.events) == (False, 0)
    assert report.views["item_percentiles"].rows > 0
    assert differences(grown.home, rebuilt(grown.home, tmp_path / "other")) == {}


def test_many_runs_leave_few_files(home, tmp_path):
    grown = grown_with(home, *([slate(f"r{n}"), click(f"c{n}", f"r{n}")] for n in range(7)))

    folders = [
        path for path in home.features.rglob("*/") if path.name not in ("_tiles", "_incremental")
    ]

    assert max(len(list(folder.glob("*.parquet"))) for folder in folders) <= 6
    assert differences(grown.home, rebuilt(grown.home, tmp_path / "other")) == {}


def test_change_of_the_past_rebuilds_everything(home, tmp_path):
    grown = grown_with(home, NEW)

    grown.backfill([slate("past", at=START - DAY, user="w")])
    late = grown.refresh()
    grown.take([UserEvent(event_id="p", event_time=START, user_id="w", fields={"points": 1})])
    user_report = grown.refresh()
    users = {row["user_id"] for row in rows(home)["user_attributes"]}
    grown.take([UserEvent(event_id="e", event_time=START, user_id="w", op="erase")])
    erased = grown.refresh()
    home.shop_toml.write_text('name = "bare"\n')
    changed = grown.refresh()
    grown.take([slate("more"), click("c2", "past")])
    more = grown.refresh()

    reports = (late, user_report, erased, changed, more)
    assert [report.rebuilt for report in reports] == [True, False, True, True, False]
    assert (users, erased.views["user_attributes"].rows) == ({"w"}, 0)
    for view in ("user_recent", "user_first_seen"):
        assert "w" not in {row["user_id"] for row in rows(home)[view]}
    assert differences(home, rebuilt(home, tmp_path / "other")) == {}


def test_a_changed_byte_of_the_features_rebuilds_everything(home, tmp_path):
    grown = grown_with(home, NEW)
    path = home.features / "item_engagement" / "rows.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.unlink()
    path.write_bytes(content)

    assert grown.refresh().rebuilt
    assert differences(home, rebuilt(home, tmp_path / "other")) == {}


def test_killed_run_shows_one_generation_and_the_next_run_recovers(home, tmp_path):
    grown = grown_with(home, OLD[:20], [click("c1", "old-7")])
    before = rows(home)
    grown.wait(DAY)
    grown.take([*NEW, click("c2", "old-7", corrects="c1")])
    grown.log.seal()
    grown.log.compact()
    after = rows(rebuilt(home, tmp_path / "whole"))
    status, changes = run_crashing(copied(home, tmp_path / "rehearsal"), 0, "transform")
    assert status == 0

    for fatal in range(1, changes + 1, changes // DEATHS):
        spoilt = copied(home, tmp_path / f"killed-{fatal}")
        assert run_crashing(spoilt, fatal, "transform")[0] == -signal.SIGKILL
        assert rows(spoilt) in (before, after)

        again = transform(spoilt, START)

        assert not again.rebuilt
        assert rows(spoilt) == after
        assert len(list(spoilt.feature_generations.iterdir())) == 1


def copied(home, root):
    shutil.copytree(home.root, root, symlinks=True)
    return Home(root)


def test_index_of_an_earlier_version_is_rebuilt(home, tmp_path):
    grown = grown_with(home, OLD[:20], [click("c1", "old-7")])
    with closing(sqlite3.connect(home.log / "index.db")) as index, index:
        index.execute("drop table answers")
        index.execute("pragma user_version = 0")

    grown.take([click("c2", "old-7", item="i7")])

    assert not grown.refresh().rebuilt
    assert differences(grown.home, rebuilt(grown.home, tmp_path / "other")) == {}


def test_file_added_after_its_seal_was_used_rebuilds_everything(home, tmp_path):
    grown = grown_with(home, OLD[:20])
    grown.take(NEW)
    grown.log.seal()
    grown.log.compact()
    late = grown.log.relation_paths("interaction")[-1]
    late.rename(tmp_path / "late")
    transform(home, START)

    (tmp_path / "late").rename(late)

    assert grown.refresh().rebuilt
    assert differences(grown.home, rebuilt(grown.home, tmp_path / "other")) == {}
