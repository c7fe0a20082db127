"""Several processes answer at one port, and each knows of what another was told."""

import pytest

from tests.integration.http.small_shop import run_service

WORKERS = 2


@pytest.fixture(scope="module")
def two(shop):
    with run_service(shop, AISLE_WORKERS=str(WORKERS)) as service:
        assert service.eventually(lambda: service.metric("aisle_live_state_up") == 1)
        yield service


def answering(service):
    """The processes that run the service."""
    return [one for one in service.workers if "_bentoml_impl.worker.service" in one.cmdline()]


def test_as_many_processes_answer_as_were_asked_for(two):
    assert len(answering(two)) == WORKERS


def test_a_click_counts_at_once_whichever_process_hears_of_it(two):
    item, name = "clicked-by-workers", "item_engagement__clicks_all"

    for n in range(1, 31):
        assert two.click(item)[1].status_code == 200
        two.http.headers["connection"] = "close"
        assert two.explain([item])[item][name] == n
