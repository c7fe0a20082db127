"""The service survives outages of Redis and the disk, and recovers."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from feature_repo.events.log import EventLog
from feature_repo.home import Clock
from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from feature_repo.shop import Shop
from pipelines.steps import refresh
from serving.features import open_online_features
from tests.integration.http.small_shop import kill_redis, run_service
from tests.scale import seconds

MISSING = "Redis lacks the features of this home; run `aisle refresh`."


@contextmanager
def frozen_redis(settings):
    """Stop Redis: it accepts connections and never answers."""
    with redis_client(ensure_redis(settings)) as client:
        process = client.info("server")["process_id"]
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def full_disk(service):
    """Make every write of the service to a file fail."""
    before = {}
    for process in service.workers:
        before[process.pid] = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, before[process.pid][1]))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def new_process(settings):
    """Return the online features as a process that starts now sees them."""
    shop, clock = Shop.load(settings.home.shop_toml), Clock.of(settings)
    log = EventLog(settings.home, clock)
    with closing(open_online_features(settings, shop, log, clock)) as fresh:
        fresh.maintain()
        return fresh


def timed(call):
    started = time.perf_counter()
    answer = call()
    return answer, (time.perf_counter() - started) * 1000


def is_recovered(service):
    return service.rank(service.items).json()["degraded"] == []


def test_without_redis_popularity_ranks_and_events_count_after_recovery(service):
    order, user = service.by_popularity(service.items), "shopper-of-the-outage"

    kill_redis(service.settings)
    first, first_ms = timed(lambda: service.rank(service.items, user=user))
    second, second_ms = timed(lambda: service.rank(service.items, user=user))
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
    assert service.eventually(lambda: is_recovered(service))
    item = service.items[0]
    assert service.explain([item], user=user)[item]["user_engagement__clicks_all"] == 1


@contextmanager
def with_setting(client, name, value):
    before = client.config_get(name)[name]
    client.config_set(name, value)
    try:
        yield
    finally:
        client.config_set(name, before)


def without_replicas(client):
    return with_setting(client, "min-replicas-to-write", 1)


def with_full_memory(client):
    return with_setting(client, "maxmemory", 1)


@contextmanager
def unable_to_save(client):
    """A folder is where the snapshot should be; then every write is a MISCONF error."""
    names = client.config_get("dir", "dbfilename")
    in_the_way = Path(names["dir"]) / names["dbfilename"]
    in_the_way.mkdir()
    try:
        client.config_set("stop-writes-on-bgsave-error", "yes")
        client.config_set("save", "3600 1")
        client.bgsave()
        while client.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.set("any", "value")
        yield
    finally:
        client.config_set("save", "")
        in_the_way.rmdir()


@pytest.mark.parametrize("refusing", [without_replicas, with_full_memory, unable_to_save])
def test_events_that_redis_refuses_are_pending_until_they_count(service, refusing):
    user, item = f"shopper-of-{refusing.__name__}", service.items[0]
    with redis_client(ensure_redis(service.settings)) as client, refusing(client):
        answers = [service.click(item, user_id=user)[1].json() for _ in range(3)]
        degraded = service.rank(service.items, user=user).json()["degraded"]
        pending = service.metric("aisle_pending_events")

    assert [answer["accepted"] for answer in answers] == [1, 1, 1]
    assert degraded == ["events"]
    assert pending == 3
    assert service.eventually(lambda: is_recovered(service))
    assert service.eventually(lambda: service.metric("aisle_pending_events") == 0)
    assert service.explain([item], user=user)[item]["user_engagement__clicks_all"] == 3


def test_a_frozen_redis_delays_one_request_and_no_later_one(service):
    with frozen_redis(service.settings):
        answers = [timed(lambda: service.rank(service.items)) for _ in range(8)]
        _, acknowledged = service.click(service.items[0])

    print("redis frozen:", " ".join(f"{ms:.0f}" for _, ms in answers), "ms")
    assert [answer.status_code for answer, _ in answers] == [200] * 8
    assert [answer.json()["degraded"] for answer, _ in answers] == [["hydrate"]] * 8
    assert acknowledged.json()["accepted"] == 1
    assert service.eventually(lambda: is_recovered(service))


def test_a_redis_without_its_live_keys_is_read_only_after_a_replay_of_the_log(service):
    item, user = service.items[1], "replayed"
    service.click(item, user_id=user)
    with redis_client(ensure_redis(service.settings), timeout=seconds(5)) as client:
        client.delete(*client.scan_iter(f"{service.home.project}:live:*", count=1000))
    present = service.explain([item], user=user)[item]["user_recent__present"]

    kill_redis(service.settings)
    ensure_redis(service.settings)
    answers = []

    def answered_in_full():
        answers.append(service.rank([item], user=user, params={"explain": "1"}).json())
        return answers[-1]["degraded"] == []

    assert present == 0
    assert service.eventually(answered_in_full)
    assert answers[-1]["items"][0]["features"]["user_recent__present"] == 1


def test_a_redis_without_loaded_features_is_read_again_after_a_refresh(service):
    item_id, order = service.items[0], service.by_popularity(service.items)
    present = service.explain([item_id])[item_id]["item_engagement__present"]
    with redis_client(ensure_redis(service.settings), timeout=seconds(5)) as client:
        client.flushall()

    noticed = service.eventually(lambda: not is_recovered(service))
    lost, ready = service.rank(service.items).json(), service.http.get("/readyz")
    up, fresh = service.metric("aisle_live_state_up"), new_process(service.settings)
    refresh(service.settings)

    assert (present, noticed, up) == (1, True, 0)
    assert (ready.status_code, ready.text) == (200, f"ready, degraded: hydrate: {MISSING}\n")
    assert (fresh.readable, fresh.outage) == (False, MISSING)
    assert lost["degraded"] == ["hydrate"]
    assert [item["item"] for item in lost["items"]] == order
    assert service.eventually(lambda: is_recovered(service))
    assert service.explain([item_id])[item_id]["item_engagement__present"] == 1
    assert service.http.get("/readyz").text == "ready\n"


def test_a_refresh_restores_what_feast_teardown_deleted(service):
    item_id, user = service.items[0], "shopper-of-the-teardown"
    service.click(item_id, user_id=user)
    feast = Path(sys.executable).with_name("feast")
    subprocess.run([feast, "-c", str(service.home.feast), "teardown"], check=True)

    assert service.eventually(lambda: not is_recovered(service))
    refresh(service.settings)

    assert service.eventually(lambda: is_recovered(service))
    features = service.explain([item_id], user=user)[item_id]
    assert features["item_engagement__present"] == 1
    assert features["user_engagement__clicks_all"] == 1


def test_an_unwritable_log_is_503_with_retry_after(service):
    with full_disk(service):
        _, rejected = service.click(service.items[0], event_id="on-a-full-disk")
        quarantined = service.http.post("/events", json={"kind": "nonsense"})
        ranked = service.rank(service.items, params={"shown": "1"})
    _, accepted = service.click(service.items[0], event_id="on-a-full-disk")

    for response in (rejected, quarantined):
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert response.json()["error"]["field"] == "log"
    assert ranked.status_code == 200
    assert ranked.json()["degraded"] == ["record"]
    assert accepted.json() == {"accepted": 1, "duplicate": 0, "quarantined": []}


def test_files_of_the_home_that_processes_map_for_writing_have_their_space(service):
    """A process that writes to a mapped file is killed where a full disk has no space for it."""
    service.rank(service.items)
    lines = [
        line.split(maxsplit=5)
        for process in service.workers
        for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines()
    ]
    mapped = {Path(path) for _, mode, *_, path in filter(has_path, lines) if mode == "rw-s"}

    assert service.home.log / "index.db-shm" in mapped
    assert service.home.latest_instant not in mapped
    for path in mapped:
        if path.is_relative_to(service.home.root):
            assert path.stat().st_blocks * 512 >= path.stat().st_size, path


def has_path(line):
    return len(line) == 6


def test_requests_in_flight_are_answered_before_the_service_stops(shop, tmp_path):
    with run_service(shop, BENTOML_HOME=str(tmp_path)) as service:
        port = int(service.url.rpartition(":")[2])
        body = b'{"items":[{"id":"a"}]}'
        head = (
            b"POST /rank/default HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
            % len(body)
        )
        with socket.create_connection(("127.0.0.1", port), timeout=seconds(20)) as connection:
            connection.sendall(head)
            assert service.http.get("/livez").status_code == 200
            service.process.send_signal(signal.SIGTERM)
            service.eventually(lambda: not _accepts(port), 0.5)  # The body has ten seconds.
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
def _recovered_afterwards(service):
    """Wait until the service has recovered."""
    yield
    assert service.eventually(lambda: is_recovered(service))


def test_a_deleted_item_is_not_ranked_without_redis(service):
    deleted, restored, untouched = service.items[2], service.items[3], service.items[4]
    for number, (op, item) in enumerate(
        [("delete", deleted), ("delete", restored), ("upsert", restored)]
    ):
        event = {"kind": "item", "event_id": f"change-{number}", "op": op, "item_id": item}
        service.http.post("/events", json={**event, "event_time": service.clock.now()})

    kill_redis(service.settings)
    answer = service.rank([deleted, restored, untouched]).json()
    ensure_redis(service.settings)

    assert answer["degraded"] == ["hydrate"]
    assert answer["dropped"] == [deleted]
    assert {item["item"] for item in answer["items"]} == {restored, untouched}
    assert service.eventually(lambda: is_recovered(service))
