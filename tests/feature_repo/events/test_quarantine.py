"""Quarantined lines can be looked at, replayed and removed; single events can be set aside."""

import json

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog, Quarantine
from feature_repo.events.log.quarantine import FILE_BYTES, limit_size
from feature_repo.events.quarantine import (
    erase_entries,
    erase_set_aside,
    find_entry,
    put_back,
    read_entries,
    read_set_aside,
    replay,
    set_aside,
)
from feature_repo.home import LogError
from feature_repo.transformations import transform
from tests.feature_repo.events.conftest import NOON
from tests.feature_repo.events.event_samples import click, everything, item, ranking
from tests.feature_repo.hostile_inputs import interaction


def stored(home):
    return list(read_entries(home.log / "quarantine"))


def test_a_line_is_listed_with_its_reason_and_shown_whole(home, clock, write):
    bad = interaction(event_id="e1", notes="x" * 5000)
    ingest([write([bad, interaction(event_id="e2")])], home=home, clock=clock)

    (entry,) = stored(home)

    assert "only the keys" in entry.entry.reason
    assert json.loads(find_entry(home.log / "quarantine", entry.id).entry.text) == bad


def test_a_replay_logs_what_is_valid_now_and_quarantines_the_rest_again(home, clock, write):
    quarantine = Quarantine(home.log / "quarantine")
    good = [json.dumps(interaction(event_id=f"e{n}")).encode() for n in range(3)]
    quarantine.add("events", 1, "once bad", good[0])
    quarantine.add("events", 2, "two", b"[%b,%b]" % (good[1], good[2]), count=2)
    quarantine.add("events", 4, "still bad", b'{"kind":"interaction"}')
    quarantine.sync()

    report = replay(stored(home), home=home, clock=clock)

    assert (report.read, report.accepted, report.quarantined.count) == (4, 3, 1)
    assert set(everything(EventLog(home, clock))) == {"e0", "e1", "e2"}
    assert [entry.entry.text for entry in stored(home)] == ['{"kind":"interaction"}']


def test_a_repeated_replay_counts_each_event_once(home, clock):
    quarantine = Quarantine(home.log / "quarantine")
    quarantine.add("events", 1, "once bad", json.dumps(interaction(event_id="e1")).encode())
    quarantine.sync()
    entries = stored(home)

    first = replay(entries, home=home, clock=clock)
    quarantine.add("events", 1, "once bad", json.dumps(interaction(event_id="e1")).encode())
    quarantine.sync()
    second = replay(stored(home), home=home, clock=clock)

    assert (first.accepted, second.accepted, second.duplicate) == (1, 0, 1)
    assert stored(home) == []


def test_a_large_quarantine_is_rotated_and_loses_its_oldest_files(tmp_path):
    quarantine = Quarantine(tmp_path)
    for n in range(2 * FILE_BYTES // 500_000 + 2):
        quarantine.add("events", n, "bad", b"x" * 500_000)
    quarantine.sync()
    files = len(list(tmp_path.iterdir()))

    removed = limit_size(tmp_path, most_bytes=FILE_BYTES + 1_000_000)

    assert files == 3
    assert removed >= 1
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= FILE_BYTES + 1_000_000


def test_a_removed_file_is_followed_by_another(tmp_path):
    quarantine = Quarantine(tmp_path)
    quarantine.add("events", 1, "bad", b"1")
    quarantine.sync()
    for path in tmp_path.iterdir():
        path.unlink()

    quarantine.add("events", 2, "bad", b"2")
    quarantine.sync()

    assert [entry.entry.text for entry in read_entries(tmp_path)] == ["2"]


@pytest.mark.parametrize("is_sealed", [True, False])
def test_an_event_that_is_set_aside_is_seen_by_no_reader_until_it_is_put_back(
    log, home, clock, is_sealed
):
    events = [item("i1"), ranking("r1", user_id="u"), click("c1", user_id="u", request_id="r1")]
    log.writer().append([*events, click("c2", NOON + 1, user_id="u")])
    if is_sealed:
        log.seal()
        log.compact()
    before = everything(log)

    set_aside(log, "c1", "a test order", clock.now())

    assert everything(log) == {id_: event for id_, event in before.items() if id_ != "c1"}
    assert log.interaction("c1") is None
    assert log.compacted_ids(["c1"]) == {"c1"}
    assert log.rebuild_needed
    assert [(one.event_id, one.reason) for one in read_set_aside(log)] == [("c1", "a test order")]
    put_back(log, "c1")
    assert everything(log) == before
    assert read_set_aside(log) == []


def test_an_event_that_is_set_aside_and_sent_again_is_a_duplicate(log, home, clock, write):
    sent = interaction(event_id="e1")
    ingest([write([sent])], home=home, clock=clock)
    set_aside(log, "e1", "poison", clock.now())

    again = ingest([write([sent])], home=home, clock=clock, mode="late")
    log.writer().append([click("e1")])
    log.seal()
    log.compact()

    assert (again.accepted, again.duplicate) == (0, 1)
    assert everything(log) == {}


def test_features_are_those_of_a_log_without_the_event(log, home, clock):
    log.writer().append([item("i1"), click("c1", user_id="u"), click("c2", NOON + 5, user_id="u")])
    log.seal()
    log.compact()
    transform(home, clock.now())

    set_aside(log, "c1", "poison", clock.now())

    assert transform(home, clock.now()).rebuilt
    assert transform(home, clock.now()).skipped


def test_an_unknown_event_cannot_be_set_aside_or_put_back(log, clock):
    log.writer().append([click("c1")])

    with pytest.raises(LogError, match="expected the event_id of a logged event"):
        set_aside(log, "nothing", "why", clock.now())
    with pytest.raises(LogError, match="an event that is set aside, found 'c1'"):
        put_back(log, "c1")


@pytest.mark.parametrize("user", ["u-42", "42", 'a "quoted" ☂', "back\\slash"])
def test_an_erasure_removes_the_lines_that_name_the_user(tmp_path, user):
    quarantine = Quarantine(tmp_path)
    for name in (user, f"{user}1", "another"):
        line = json.dumps({"user_id": name, "item_id": 7})
        quarantine.add("events", 1, "item_id: expected a text", line.encode())
    quarantine.add("events", 4, f"user_id: found {user!r}", b"{}")
    quarantine.sync()

    erased = erase_entries(tmp_path, {user})
    quarantine.add("events", 5, "later", b"{}")
    quarantine.sync()

    texts = [entry.entry.text for entry in read_entries(tmp_path)]
    assert erased == 2
    assert [json.loads(text).get("user_id") for text in texts] == [f"{user}1", "another", None]


def test_an_erasure_empties_an_event_that_is_set_aside(log, home, clock):
    log.writer().append([click("e1", user_id="canary"), click("e2", user_id="other")])
    for event_id in ("e1", "e2"):
        set_aside(log, event_id, "a robot", clock.now())

    erased = erase_set_aside(home.log, {"canary"})

    users = {aside.event_id: aside.event.user_id for aside in read_set_aside(log)}
    assert erased == 1
    assert users == {"e1": None, "e2": "other"}
