"""Several processes answer at one port, and each counts the events that another accepted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.http.small_shop import run_service
from tests.integration.http.test_http_operate import rank_until
from tests.scale import seconds

WORKERS = 2
STARTED = "Service Aisle initialized"
"""What each process of BentoML writes to the log when it is ready."""


@pytest.fixture(scope="module")
def two(shop):
    with run_service(shop, AISLE_WORKERS=str(WORKERS), AISLE_DRAIN="1") as service:
        assert service.eventually(lambda: service.metric("aisle_live_state_up") == 1)
        yield service


def answering(service):
    """Return the processes that run the service."""
    return [each for each in service.workers if "_bentoml_impl.worker.service" in each.cmdline()]


def test_the_setting_decides_the_number_of_processes(two):
    assert len(answering(two)) == WORKERS


def test_a_click_counts_immediately_in_every_process(two):
    item, name = "clicked-by-workers", "item_engagement__clicks_all"

    for n in range(1, 31):
        assert two.click(item)[1].status_code == 200
        two.http.headers["connection"] = "close"
        assert two.explain([item])[item][name] == n


def test_a_rolling_restart_under_load_loses_no_request(two):
    clients, restarted = 8, threading.Event()
    old = answering(two)

    with ThreadPoolExecutor(clients) as crowd:
        senders = [
            crowd.submit(rank_until, two.url, restarted, two.items[:5]) for _ in range(clients)
        ]
        try:
            for worker in old:
                started = two.output().count(STARTED)
                worker.terminate()
                worker.wait(seconds(60))
                assert two.eventually(
                    lambda n=started: two.output().count(STARTED) > n, seconds(60)
                )
        finally:
            restarted.set()
        statuses = [status for sender in senders for status in sender.result()]

    assert not {*old} & {*answering(two)}
    assert len(statuses) > clients
    assert {*statuses} == {200}
