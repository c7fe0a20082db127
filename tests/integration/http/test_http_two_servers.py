"""Two servers ingest one stream; after one of them and Redis are killed, counts match the log."""

import threading
from contextlib import ExitStack

import httpx
import pytest

from feature_repo.events.log import encode_event
from feature_repo.home import Clock, Home
from feature_repo.online.redis.server import ensure_redis
from feature_repo.views import COUNTER_VIEWS
from pipelines.steps import refresh
from tests.feature_repo.histories import Rows
from tests.integration.http.counted_events import ENTITIES, batch, differing, live_counts
from tests.integration.http.small_shop import kill_redis, run_service
from tests.scale import seconds

BATCHES = 60


class Sender(threading.Thread):
    """Sends every batch to every server, and repeats it until one of them has accepted it."""

    def __init__(self, batches, servers):
        super().__init__()
        self.batches, self.servers, self.failures = batches, servers, 0
        self.allowed = threading.Semaphore(0)

    def run(self):
        for body in self.batches:
            self.allowed.acquire()
            accepted = 0
            while accepted == 0:
                answers = [self.acknowledged(url, body) for url in self.servers]
                accepted = sum(answers)
                self.failures += len(answers) - accepted

    def acknowledged(self, url, body):
        try:
            answer = httpx.post(f"{url}/events", content=body, timeout=seconds(20), trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["quarantined"] == []


def joined_counts(home: Home, t):
    for view in COUNTER_VIEWS:
        rows = Rows(home.features / view.name, view.key)
        for entity in ENTITIES[view.entity]:
            yield view, entity, rows.at(entity, t)


@pytest.fixture
def two(shop):
    """Two servers of one home, which a test may kill."""
    with ExitStack() as stack:

        def start():
            return stack.enter_context(run_service(shop))

        yield [start(), start()], start


def test_counts_match_the_log_after_a_server_and_redis_are_killed(shop, two):
    (one, other), start = two
    events = [batch(number, one.clock) for number in range(BATCHES)]
    bodies = [b"\n".join(map(encode_event, batch_events)) for batch_events in events]
    servers = [one.url, other.url]
    half = BATCHES // 2
    senders = [Sender(bodies[:half], servers), Sender(bodies[half:][::-1], servers)]

    for sender in senders:
        sender.start()
        sender.allowed.release(half // 3)
    for process in [*one.workers, one.process]:
        process.kill()
    for sender in senders:
        sender.allowed.release(half // 3)
    kill_redis(shop)
    for sender in senders:
        sender.allowed.release(half)
    ensure_redis(shop)
    restarted = start()
    for sender in senders:
        sender.join()
    for service in (other, restarted):
        assert service.eventually(lambda s=service: s.metric("aisle_live_state_up") == 1)
    t = Clock.of(shop).now()
    live = list(live_counts(shop, t))
    refresh(shop)
    loaded, joined = list(live_counts(shop, t)), list(joined_counts(shop.home, t))

    sent = [event for batch_events in events for event in batch_events]
    assert sum(sender.failures for sender in senders) > 0
    assert {event.event_id for event in sent} <= one.log.compacted_ids(e.event_id for e in sent)
    assert list(differing(sent, live, t)) == []
    assert list(differing(sent, loaded, t)) == []
    assert list(differing(sent, joined, t)) == []
