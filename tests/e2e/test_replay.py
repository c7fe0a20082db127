"""RankLens, replayed through the live API: served and training vectors are equal.

Half of the sessions have no user, so that their vectors come from the session alone.
"""

import json

import pytest

from feature_repo.home import SECOND, Home, Settings, to_text
from feature_repo.online.redis import running_redis
from feature_repo.shop import SIMULATED_SHOP
from pipelines.cli import main as cli
from pipelines.steps import refresh
from tests.e2e.ranklens import RANKLENS, events
from tests.integration.http.small_shop import publish_ranker, run_service
from tests.scale import examples
from training.studies.nameless.traffic import is_nameless

RANKINGS = examples(150)
"""Number of rankings that are replayed; all 7,852 take a quarter of an hour."""

ITEMS_A_BODY = 500


def send(service, batch):
    answer = service.http.post("/feedback", content="\n".join(map(json.dumps, batch)).encode())
    assert answer.json() == {"accepted": len(batch), "duplicate": 0, "quarantined": []}


def without_some_names(slates):
    """Return the slates; the events of half of the sessions lose the user."""
    return [
        [event | {"user": None} if is_nameless(event["session"]) else event for event in slate]
        for slate in slates
    ]


def rank(service, ranking):
    """Let the service rank the items of a slate before it receives the interactions."""
    body = {name: ranking[name] for name in ("id", "timestamp", "user", "session")}
    body |= {"id": f"rank-{ranking['id']}", "items": [{"id": i["id"]} for i in ranking["items"]]}
    answer = service.http.post("/rank/default", json=body).json()
    assert answer["degraded"] == []


@pytest.mark.skipif(not RANKLENS.exists(), reason=f"{RANKLENS} does not exist; see AISLE_DATA")
@pytest.mark.timeout(0)
def test_ranklens_replayed_live_verifies_without_a_mismatch(tmp_path, monkeypatch, capsys):
    """It takes 20 s: hundreds of requests, and three refreshes of a real catalogue."""
    home = Home(tmp_path / "home")
    home.root.mkdir()
    home.shop_toml.write_text(SIMULATED_SHOP.with_name("ranklens.toml").read_text())
    items, slates = events(RANKINGS)
    slates = without_some_names(slates)
    last = max(int(event["timestamp"]) for slate in slates for event in slate)
    private = Settings(home=home, clock=to_text(last * 1000 + SECOND), record_share=1.0)
    with running_redis(private) as address:
        settings = Settings(home=home, redis_url=address.url, record_share=1.0, clock=private.clock)
        refresh(settings)
        publish_ranker(home, tmp_path / "ranker")
        with run_service(settings) as service:
            for first in range(0, len(items), ITEMS_A_BODY):
                send(service, items[first : first + ITEMS_A_BODY])
            for number, slate in enumerate(slates):
                rank(service, slate[0])
                send(service, slate)
                if number == len(slates) // 2:
                    refresh(settings)
        refresh(settings)

    monkeypatch.setenv("AISLE_HOME", str(home.root))
    status = cli.main(["verify", "--json"])
    report = json.loads(capsys.readouterr().out)

    print(report)
    assert (status, report["mismatches"], report["in_flight"]) == (0, [], 0)
    assert 0.3 < sum(slate[0]["user"] is None for slate in slates) / len(slates) < 0.7
    assert report["requests"] == len(slates)
    assert report["vectors"] == sum(len(ranking["items"]) for ranking, *_ in slates)
