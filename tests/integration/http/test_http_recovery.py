"""What happens when Redis, or the disk, goes away, and when it comes back."""

import os
import resource
import signal
import socket
import time
from contextlib import contextmanager

import pytest

from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from pipelines.steps import refresh
from tests.integration.http.small_shop import kill_redis, run_service
from tests.scale import seconds


@contextmanager
def frozen_redis(settings):
    """Redis takes connections and never answers."""
    with redis_client(ensure_redis(settings)) as client:
        process = client.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def full_disk(service):
    """No process of the service can write to any file."""
    before = {}
    for process in service.workers:
        before[process.pid] = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[process.pid][1]))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def took(call):
    began = time.perf_counter()
    answer = call()
    return answer, (time.perf_counter() - began) * 1000


def popular_order(service):
    """The items as popularity alone ranks them."""
    answer = service.rank(service.items, model="unranked").json()
    return [item["item"] for item in answer["items"]]


def is_whole(service):
    return service.rank(service.items).json()["degraded"] == []


def test_without_redis_popularity_answers_and_events_are_kept_and_counted_later(service):
    order, user = popular_order(service), "shopper-of-a-bad-hour"

    kill_redis(service.settings)
    first, first_ms = took(lambda: service.rank(service.items, user=user))
    second, second_ms = took(lambda: service.rank(service.items, user=user))
    _, acknowledged = service.click(service.items[0], user_id=user)
    ready = service.http.get("/readyz")
    degraded = service.metric('aisle_degraded_total{stage="hydrate"}')
    ensure_redis(service.settings)

    print(f"redis dead: {first_ms:.0f} ms, then {second_ms:.0f} ms")
    for response in (first, second):
        assert response.status_code == 200
        assert response.json()["degraded"] == ["hydrate"]
        assert [item["item"] for item in response.json()["items"]] == order
    assert acknowledged.json()["accepted"] == 1
    assert ready.status_code == 200
    assert degraded >= 2
    assert service.eventually(lambda: is_whole(service))
    item = service.items[0]
    assert service.explain([item], user=user)[item]["user_engagement__clicks_all"] == 1


def test_a_frozen_redis_costs_one_request_a_timeout_and_the_next_ones_nothing(service):
    with frozen_redis(service.settings):
        answers = [took(lambda: service.rank(service.items)) for _ in range(8)]
        _, acknowledged = service.click(service.items[0])

    print("redis frozen:", " ".join(f"{ms:.0f}" for _, ms in answers), "ms")
    assert [answer.status_code for answer, _ in answers] == [200] * 8
    assert [answer.json()["degraded"] for answer, _ in answers] == [["hydrate"]] * 8
    assert acknowledged.json()["accepted"] == 1
    assert service.eventually(lambda: is_whole(service))


def test_a_redis_that_lost_its_live_state_is_read_only_when_filled_from_the_log(service):
    item, user = service.items[1], "remembered"
    service.click(item, user_id=user)
    with redis_client(ensure_redis(service.settings), timeout=seconds(5)) as client:
        client.delete(*client.scan_iter(f"{service.home.project}:live:*", count=1000))
    forgotten = service.explain([item], user=user)[item]["user_recent__present"]

    kill_redis(service.settings)
    ensure_redis(service.settings)
    answers = []

    def answered_in_full():
        answers.append(service.rank([item], user=user, params={"explain": "1"}).json())
        return answers[-1]["degraded"] == []

    assert forgotten == 0
    assert service.eventually(answered_in_full)
    assert answers[-1]["items"][0]["features"]["user_recent__present"] == 1


def test_a_redis_that_lost_what_was_loaded_is_read_again_after_a_refresh(service):
    item, order = service.items[0], popular_order(service)
    whole = service.explain([item])[item]["item_engagement__present"]
    with redis_client(ensure_redis(service.settings), timeout=seconds(5)) as client:
        client.flushall()

    noticed = service.eventually(lambda: not is_whole(service))
    lost = service.rank(service.items).json()
    refresh(service.settings)

    assert (whole, noticed) == (1, True)
    assert lost["degraded"] == ["hydrate"]
    assert [found["item"] for found in lost["items"]] == order
    assert service.eventually(lambda: is_whole(service))
    assert service.explain([item])[item]["item_engagement__present"] == 1


def test_a_log_that_cannot_be_written_is_503_and_says_when_to_come_back(service):
    with full_disk(service):
        _, refused = service.click(service.items[0], event_id="on-a-full-disk")
        quarantined = service.http.post("/events", json={"kind": "nonsense"})
        ranked = service.rank(service.items, params={"shown": "1"})
    _, taken = service.click(service.items[0], event_id="on-a-full-disk")

    for response in (refused, quarantined):
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert response.json()["error"]["field"] == "log"
    assert ranked.status_code == 200
    assert ranked.json()["degraded"] == ["record"]
    assert taken.json() == {"accepted": 1, "duplicate": 0, "quarantined": []}


def test_a_request_in_flight_is_finished_before_the_service_ends(shop, tmp_path):
    with run_service(shop, BENTOML_HOME=str(tmp_path)) as service:
        port = int(service.url.rpartition(":")[2])
        body = b'{"items":[{"id":"a"}]}'
        head = b"POST /rank/default HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
        with socket.create_connection(("127.0.0.1", port), timeout=seconds(20)) as connection:
            connection.sendall(head)
            assert service.http.get("/livez").status_code == 200
            service.process.send_signal(signal.SIGTERM)
            service.eventually(lambda: not _accepts(port), 5)
            connection.sendall(body)
            answer = connection.recv(1 << 16)

    assert answer.startswith(b"HTTP/1.1 200")


def _accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


@pytest.fixture(autouse=True)
def _whole_again(service):
    """Leave the service as it was found."""
    yield
    assert service.eventually(lambda: is_whole(service))


def test_a_deleted_item_is_not_ranked_though_redis_be_away(service):
    gone, back, kept = service.items[2], service.items[3], service.items[4]
    for number, (op, item) in enumerate([("delete", gone), ("delete", back), ("upsert", back)]):
        event = {"kind": "item", "event_id": f"withdraw-{number}", "op": op, "item_id": item}
        service.http.post("/events", json={**event, "event_time": service.clock.now()})

    kill_redis(service.settings)
    answer = service.rank([gone, back, kept]).json()
    ensure_redis(service.settings)

    assert answer["degraded"] == ["hydrate"]
    assert answer["dropped"] == [gone]
    assert {item["item"] for item in answer["items"]} == {back, kept}
    assert service.eventually(lambda: is_whole(service))
