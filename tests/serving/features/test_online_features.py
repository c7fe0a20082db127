"""Rankings read online features only while these include every acknowledged event."""

import asyncio
import os
import signal
from dataclasses import dataclass, field

import pytest

from feature_repo.home import RedisError
from feature_repo.request_features.context import RequestContext
from serving.features import OnlineFeatures
from serving.features.unapplied_marks import UnappliedMarks
from serving.query import Query

QUERY = Query("r", 1)


@dataclass
class Server:
    """A server in memory, which can be lost, slow to replay, or restarted."""

    run: int = 1
    away: bool = False
    log: list[str] = field(default_factory=list)
    applied: set[str] = field(default_factory=set)
    while_replaying: list = field(default_factory=list)

    def run_id(self):
        self._answer()
        return str(self.run)

    async def read(self, query):
        self._answer()
        return RequestContext(t=query.t)

    def apply(self, events):
        self._answer()
        self.applied |= set(events)
        return ["applied"] * len(events)

    def replay(self):
        self._answer()
        logged = list(self.log)
        for interruption in self.while_replaying:
            interruption()
        self.while_replaying.clear()
        self.applied |= set(logged)
        return len(logged)

    def apply_due_events(self):
        self._answer()
        return 0

    def _answer(self):
        if self.away:
            raise RedisError("away")


def read(live):
    return asyncio.run(live.read(QUERY))


def accept(server, live, event):
    server.log.append(event)
    live.apply([event])


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def process(server, tmp_path):
    """Return the online features of one more process of the service."""

    def start():
        live = OnlineFeatures(lambda: server, UnappliedMarks(tmp_path / "unapplied"))
        live.maintain()
        return live

    return start


@pytest.fixture
def live(process):
    return process()


def test_no_feature_is_read_before_the_first_maintenance(server, tmp_path):
    with pytest.raises(RedisError):
        read(OnlineFeatures(lambda: server, UnappliedMarks(tmp_path)))


def test_after_a_failed_read_nothing_is_read_before_the_next_maintenance(server, live):
    server.away = True
    with pytest.raises(RedisError, match="away"):
        read(live)
    server.away = False
    with pytest.raises(RedisError, match="recovered"):
        read(live)

    live.maintain()

    assert read(live) == RequestContext(t=1)


def test_events_missed_while_the_server_was_away_are_replayed_before_the_next_read(server, live):
    server.away = True
    accept(server, live, "missed")
    accept(server, live, "skipped")
    server.away = False
    live.maintain()

    assert live.readable
    assert server.applied == {"missed", "skipped"}


def test_an_event_accepted_during_a_replay_is_applied_by_its_own_thread(server, live):
    server.away = True
    accept(server, live, "missed")
    server.away = False
    server.while_replaying.append(lambda: accept(server, live, "meanwhile"))
    live.maintain()

    assert live.readable
    assert server.applied == {"missed", "meanwhile"}


def test_after_a_failure_during_a_replay_nothing_is_read(server, live):
    def fail():
        server.away = True
        accept(server, live, "lost for now")
        server.away = False

    server.away = True
    accept(server, live, "missed")
    server.away = False
    server.while_replaying.append(fail)
    live.maintain()

    assert not live.readable

    live.maintain()

    assert live.readable
    assert server.applied == {"missed", "lost for now"}


def test_a_restarted_server_is_replayed_before_it_is_read(server, live):
    accept(server, live, "once known")
    server.run, server.applied = 2, set()

    live.maintain()

    assert live.readable
    assert server.applied == {"once known"}


def test_a_failed_read_alone_starts_no_replay(server, live):
    accept(server, live, "known")
    server.away = True
    with pytest.raises(RedisError):
        read(live)
    server.away = False
    server.while_replaying.append(lambda: pytest.fail("nothing was missed"))

    live.maintain()

    assert live.readable


def test_a_recovered_process_says_that_events_of_another_one_are_missing(server, live, process):
    other = process()
    server.away = True
    accept(server, other, "missed")
    with pytest.raises(RedisError):
        read(live)
    server.away = False

    server.log.remove("missed")  # The replay of `live` read the log before the event was there.
    live.maintain()
    server.log.append("missed")

    assert live.readable
    assert live.is_behind
    assert "missed" not in server.applied

    other.maintain()

    assert not live.is_behind
    assert "missed" in server.applied


def test_events_of_a_killed_process_are_replayed_by_another_one(server, live, tmp_path):
    folder = tmp_path / "unapplied"
    child = os.fork()
    if child == 0:
        UnappliedMarks(folder).add()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    server.log.append("of the killed process")
    assert live.is_behind

    live.maintain()

    assert not live.is_behind
    assert server.applied == {"of the killed process"}


def test_events_of_a_process_that_still_runs_are_left_to_it(server, live, process):
    other = process()
    server.away = True
    accept(server, other, "missed")
    server.away = False

    live.maintain()

    assert server.applied == set()
    assert live.is_behind
