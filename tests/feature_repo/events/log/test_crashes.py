"""A process can be killed at any time without loss or duplication of acknowledged events."""

import resource
import shutil
import subprocess
import sys

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.events.log.segments import list_segments
from feature_repo.home import MINUTE, Clock, Home, LogError, to_text
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.crashing_process import run_crashing
from tests.feature_repo.events.event_samples import click, compacted, everything, item, ranking

APPENDING_PROCESS = [sys.executable, "-m", "tests.feature_repo.events.crashing_process"]
KILLED = -9
POINTS = 7
"""Number of kills of a run, spread over all its file changes."""


def copy_of(home, name):
    """Return a copy of a home."""
    root = home.root.with_name(name)
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(home.root, root)
    return Home(root)


def killed_homes(home, *verb):
    """Yield copies of a home after kills of the verb, from its first file change to its last."""
    status, changes = run_crashing(copy_of(home, "rehearsal"), 0, *verb)
    assert status == 0
    for change in sorted({1 + n * (changes - 1) // (POINTS - 1) for n in range(POINTS)}):
        crashed_home = copy_of(home, f"killed-at-{change}")
        assert run_crashing(crashed_home, change, *verb)[0] == KILLED
        yield crashed_home


def test_acknowledged_appends_survive_a_kill(home):
    command = [*APPENDING_PROCESS, home.root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        acknowledged = [process.stdout.readline().strip() for _ in range(200)]
        process.kill()
        acknowledged += process.stdout.read().split("\n")[:-1]
    log = EventLog(home, Clock())

    assert set(acknowledged) <= {event.event_id for event in log.unsealed()}
    log.seal()
    log.compact()
    assert set(acknowledged) <= log.compacted_ids(acknowledged)


def test_killed_compaction_can_be_repeated(home, clock):
    log = EventLog(home, clock)
    logged = log.writer().append([ranking("r1"), click("c1"), item("i1")])
    clock.instant += 24 * 60 * MINUTE
    logged += log.writer().append([click("c2"), click("held", clock.instant + 3 * MINUTE)])
    log.seal()
    expected = {event.event_id: event for event in logged}

    for crashed_home in killed_homes(home, "compact"):
        crashed = EventLog(crashed_home, clock)
        assert everything(crashed) == expected
        crashed.compact()
        assert everything(crashed) == expected
        assert len(compacted(crashed)) == len(expected) - 1
        assert [event.event_id for event in crashed.unsealed()] == ["held"]
        assert list(crashed_home.log.rglob("*.tmp")) == []


def test_killed_ingest_can_be_repeated(home, write):
    path = write([_raw("c1", NOON), _raw("c2", NOON), {"kind": "garbage"}])
    home.log.mkdir(parents=True)

    for crashed_home in killed_homes(home, "ingest", path, "refuse"):
        report = ingest([path], home=crashed_home, clock=Clock())

        assert report.accepted + report.duplicate == 2
        assert set(everything(EventLog(crashed_home, Clock()))) == {"c1", "c2"}
        assert EventLog(crashed_home, Clock()).compacted_ids(["c1", "c2"]) == {"c1", "c2"}


def test_killed_backfill_can_be_repeated(home, write):
    ingest([write([_raw("c1", NOON), _raw("c2", NOON + 1)])], home=home, clock=Clock())
    late = write([_raw("c0", NOON - 1), _raw("c2", NOON + 1)], "late.jsonl")

    for crashed_home in killed_homes(home, "ingest", late, "backfill"):
        ingest([late], home=crashed_home, clock=Clock(), mode="backfill")

        log = EventLog(crashed_home, Clock())
        assert {event.event_id for event in compacted(log)} == {"c0", "c1", "c2"}
        assert len(compacted(log)) == 3
        assert len(log.seals().instants) <= 2
        assert log.rebuild_needed


def _raw(event_id, at):
    return {
        "kind": "interaction",
        "event_id": event_id,
        "event_time": to_text(at),
        "item_id": "i1",
        "type": "click",
    }


@pytest.mark.parametrize(
    "incomplete", [b"{", b'{"kind":"item","event_id":"x"', b"\0" * 50, b"\xff"]
)
def test_incomplete_last_line_is_ignored(log, home, incomplete):
    log.writer().append([click("c1")])
    (segment,) = list_segments(home.log / "segments")
    with segment.open("ab") as file:
        file.write(incomplete)
    log.writer().append([click("c2")])

    assert [event.event_id for event in log.unsealed()] == ["c1", "c2"]
    log.seal()
    report = log.compact()
    assert (report.compacted, report.damaged) == (2, 0)


def test_damaged_line_is_quarantined_alone(log, home):
    log.writer().append([click("c1"), click("c2"), click("c3")])
    (segment,) = list_segments(home.log / "segments")
    first, _, third = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(first + b"\0damaged\0\n" + third)
    log.seal()

    report = log.compact()

    assert (report.compacted, report.damaged) == (2, 1)
    assert log.compacted_ids(["c1", "c2", "c3"]) == {"c1", "c3"}
    (quarantined,) = (home.log / "quarantine").iterdir()
    assert b"damaged" in quarantined.read_bytes()


def test_full_disk_refuses_a_batch_and_damages_no_other(log):
    writer = log.writer()
    writer.append([click("c1")])
    allowed = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, allowed[1]))
    try:
        with pytest.raises(LogError, match="Nothing was acknowledged"):
            writer.append([click(f"too much {n}") for n in range(100)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)

    writer.append([click("c2")])

    assert [event.event_id for event in log.unsealed()] == ["c1", "c2"]
