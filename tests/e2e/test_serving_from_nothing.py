"""A service started without any data recovers step by step, without a restart."""

import pytest

from feature_repo.events.contract import ItemEvent
from feature_repo.home import Settings
from tests.integration.http.small_shop import run_service
from training.retrieval.sources import publish_indexes


@pytest.fixture
def settings(home):
    """Settings of a home that does not exist, and of a Redis server that does not answer."""
    return Settings(home=home, redis_url="redis://127.0.0.1:1/0")


def test_a_service_without_redis_and_model_accepts_events_and_ranks_in_the_given_order(settings):
    with run_service(settings) as service:
        unready = service.http.get("/readyz").status_code
        accepted = service.http.post(
            "/events", json={"kind": "item", "event_id": "e", "event_time": 1, "item_id": "a"}
        )
        ranked = service.rank(["b", "a", "c"], params={"shown": "1"}).json()
        publish_indexes(service.home)
        became_ready = service.eventually(lambda: service.http.get("/readyz").status_code == 200)

    assert unready == 503
    assert accepted.json()["accepted"] == 1
    assert [*accepted.json()["warning_reasons"]] == ["event_time: expected a time since 1990"]
    assert [item["item"] for item in ranked["items"]] == ["b", "a", "c"]
    assert ranked["degraded"] == ["hydrate"]
    assert ranked["model_version"] is None
    assert became_ready
    assert [e.event_id for e in service.log.unsealed() if isinstance(e, ItemEvent)] == ["e"]
