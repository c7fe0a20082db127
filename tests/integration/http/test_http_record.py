"""A served answer can be computed again from its log entry."""

import base64

import numpy as np

from feature_repo.events.contract import ServedEvent
from feature_repo.request_features import feature_matrix
from feature_repo.request_features.context import with_overrides
from feature_repo.shop import Shop
from pipelines.cli.main import main
from serving.features.redis_connection import RedisConnection
from serving.query import Query
from tests.integration.http.small_shop import publish_ranker, read_once
from training.metrics import gumbel, item_numbers
from training.ranker import Ranker


def served(service, request_id) -> ServedEvent:
    return service.eventually(lambda: service.log.served(request_id))


def vectors(event) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(event.vectors), dtype="<f4")
    return flat.reshape(len(event.items), len(event.layout))


def test_an_answer_is_logged_with_its_request_and_model(service):
    answer = service.rank(
        service.items[:5],
        id="r-logged",
        user=service.users[0],
        session="s1",
        timestamp="2026-01-10T12:00:00+02:00",
        fields=[{"name": "query", "value": "red shoes"}, {"name": "market", "value": "uk"}],
    ).json()

    event = served(service, "r-logged")
    assert [item.item_id for item in event.items] == [item["item"] for item in answer["items"]]
    assert [item.score for item in event.items] == [item["score"] for item in answer["items"]]
    assert {item.propensity for item in event.items} == {1.0}
    assert (event.user_id, event.session_id) == (service.users[0], "s1")
    assert (event.query, event.market) == ("red shoes", "uk")
    assert event.timestamp == 1_768_039_200_000_000
    assert event.utc_offset_minutes == 120
    assert event.model_version == answer["model_version"]
    assert event.feature_service == "ranking_v1"


def test_the_logged_vectors_equal_the_explained_features_and_give_the_answered_scores(service):
    response = service.rank(
        service.items[:8], id="r-vectors", user=service.users[2], params={"explain": "1"}
    )

    event = served(service, "r-vectors")
    answered = response.json()["items"]
    explained = np.array([list(item["features"].values()) for item in answered], dtype=np.float32)
    ranker = Ranker.load(service.home.current / "ranker" / "default")
    assert list(event.layout) == list(answered[0]["features"])
    np.testing.assert_array_equal(vectors(event), explained)
    np.testing.assert_array_equal(
        ranker.apply(vectors(event), event.layout), [item["score"] for item in answered]
    )


def test_the_logged_vectors_can_be_computed_again_from_the_logged_request(service):
    overridden = {"id": service.items[1], "fields": [{"name": "price", "value": 3.25}]}
    service.rank([service.items[0], overridden, "unheard-of"], id="r-again", user=service.users[3])

    event = served(service, "r-again")
    shop = Shop.load(service.home.shop_toml)
    connection = RedisConnection.open(service.settings, shop, service.log, service.clock)
    connection.replay()
    query = Query(
        event.request_id,
        event.event_time,
        user_id=event.user_id,
        text=event.query,
        market=event.market,
        item_ids=[item.item_id for item in event.items],
    )
    context = with_overrides(read_once(connection, query), event.overrides, shop)
    prior = Ranker.load(service.home.current / "ranker" / "default").prior
    assert event.overrides == {service.items[1]: {"price": 3.25}}
    np.testing.assert_array_equal(vectors(event), feature_matrix(context, shop, prior))


def test_an_explored_page_can_be_drawn_again_from_its_record(service):
    rules = service.home.root / "rules.toml"
    rules.write_text("[exploration]\nshare = 1.0\ntemperature = 0.8\n")
    try:
        assert service.eventually(lambda: _home(service, "r-explores").seed is not None)
        records = [_home(service, f"r-drawn-{n}") for n in range(5)]
        shown = service.log.ranking("r-drawn-0")
        ranker = Ranker.load(service.home.current / "ranker" / "default")
    finally:
        rules.unlink()
        assert service.eventually(lambda: _home(service, "r-exploits").seed is None)

    for record in (*records, shown):
        numbers = item_numbers([item.item_id for item in record.items])
        noise = gumbel(np.uint64(record.seed), numbers)
        noisy = [item.score for item in record.items] + record.temperature * noise
        assert np.argsort(-noisy, kind="stable").tolist() == list(range(len(record.items)))
        assert record.temperature == 0.8
        assert all(0 < item.propensity < 1 for item in record.items)
    assert len({tuple(item.item_id for item in record.items) for record in records}) > 1
    assert (shown.items, shown.seed) == (records[0].items, records[0].seed)
    scores = ranker.apply(vectors(records[0]), records[0].layout)
    assert np.any(np.diff(scores) > 0)


def _home(service, request_id):
    """Return the record of a home page that is reported as shown."""
    request = {"id": request_id, "session": request_id, "count": 8}
    answer = service.recommend("home", params={"shown": "1"}, **request)
    assert answer.json()["degraded"] == []
    return served(service, request_id)


def test_a_published_model_is_served_without_a_restart(service, tmp_path):
    before = service.rank(service.items).json()

    version = publish_ranker(service.home, tmp_path / "next", seed=7)
    after = service.eventually(lambda: _answer_of(service, version))

    assert before["model_version"] != version
    assert [item["score"] for item in after["items"]] != [item["score"] for item in before["items"]]


def test_a_damaged_model_is_rejected_and_the_previous_version_stays(service, tmp_path):
    good = service.rank(service.items).json()["model_version"]
    rejections = 'aisle_artifact_loads_total{kind="ranker",outcome="refused"}'
    before = service.metric(rejections)

    bad = publish_ranker(service.home, tmp_path / "bad", name="other", seed=8)
    folder = service.home.artifacts / "ranker" / "other" / bad
    model = folder / "model.json"
    model.write_text(model.read_text().replace("1", "2", 1))
    link = service.home.current / "ranker" / ".fresh"
    link.symlink_to(folder)
    link.replace(service.home.current / "ranker" / "default")

    assert service.eventually(lambda: service.metric(rejections) > before)
    assert service.rank(service.items).json()["model_version"] == good
    publish_ranker(service.home, tmp_path / "good", seed=9)


def test_a_roll_back_restores_the_same_answers(service, tmp_path, monkeypatch):
    monkeypatch.setenv("AISLE_HOME", str(service.home.root))
    first = service.rank(service.items).json()
    change = ["models", "promote", first["model_version"], "--reason", "A test.", "--json"]
    assert main(change) == 0
    other = publish_ranker(service.home, tmp_path / "other", seed=11)
    assert service.eventually(lambda: _answer_of(service, other))["items"] != first["items"]

    assert main(["models", "rollback", "--reason", "It was worse."]) == 0

    again = service.eventually(lambda: _answer_of(service, first["model_version"]))
    own = ("took", "request_id")
    assert {k: v for k, v in again.items() if k not in own} == {
        k: v for k, v in first.items() if k not in own
    }


def _answer_of(service, version):
    answer = service.rank(service.items).json()
    return answer if answer["model_version"] == version else None
