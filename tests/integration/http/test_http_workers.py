"""Several processes answer at one port, and each counts the events that another accepted."""

import pytest

from tests.integration.http.small_shop import run_service

WORKERS = 2


@pytest.fixture(scope="module")
def two(shop):
    with run_service(shop, AISLE_WORKERS=str(WORKERS)) as service:
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
