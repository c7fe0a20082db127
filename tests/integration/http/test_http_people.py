"""The features of a user can be read; an erased user is unknown immediately and stays unknown."""

import json
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.events.contract import SHOP_KINDS
from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from pipelines.cli.main import main
from pipelines.service import AisleClient
from pipelines.steps import refresh
from tests.scale import seconds


@pytest.fixture
def client(service):
    with AisleClient(service.url) as client:
        yield client


def keys_in_redis(service, user):
    with redis_client(ensure_redis(service.settings), timeout=seconds(5)) as redis:
        return [key for key in redis.scan_iter(count=1000) if user.encode() in key]


def compacted_text(service, user):
    """Return the kinds of compacted events that still contain a user's id."""
    return {
        path.parts[-3]
        for path in (service.home.log / "compacted").rglob("*.parquet")
        if user in json.dumps(pq.read_table(path).to_pylist(), default=str)
    }


def files_with(service, *ids):
    """Return the files below the home that contain one of some ids, as bytes or in a column.

    The log has the erasure itself, and the answer to the same id after it.
    """
    texts = [id_.encode() for id_ in ids]
    names = set()
    for path in service.home.root.rglob("*"):
        is_exception = "compacted/user/" in str(path) or "compacted/served/" in str(path)
        if path.is_file() and not is_exception:
            # elsewhere: to close a database file here drops the locks that SQLite has on it
            content = subprocess.run(["/bin/cat", path], capture_output=True, check=True).stdout
            if content.startswith(b"PAR1"):
                rows = pq.read_table(path).to_pylist()
                content += json.dumps(rows, default=str, ensure_ascii=False).encode()
            if any(text in content for text in texts):
                names.add(str(path.relative_to(service.home.root)))
    return names


def test_a_users_last_click_is_among_the_features(service, client):
    service.click(service.items[0], user_id="somebody / new ☂")

    clicker, unknown = client.user("somebody / new ☂"), client.user("nobody")

    assert clicker["known"] is True
    assert clicker["features"]["user_recent__clicked_item_ids"] == [service.items[0]]
    assert (unknown["known"], unknown["degraded"]) == (False, [])


def test_an_erased_user_is_unknown_immediately_and_out_of_the_log_after_a_refresh(service, client):
    user, item = service.users[-1], service.items[0]
    service.click(item, user_id=user, session_id="canary-visit")
    service.http.post("/events", json={"kind": "interaction", "user_id": user, "item_id": 7})
    dataset = service.home.datasets / "old.parquet"
    run = service.home.root / "kubeflow" / "runs" / "retrain" / "build" / "dataset"
    for path in (dataset, run):
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"user_id": ["x", user], "clicked": [0, 1]}), path)
    refresh(service.settings)
    folders = ("log/compacted", "log/quarantine", "features", "redis/appendonlydir", "datasets")
    before = files_with(service, user, "canary-visit")
    assert all(any(folder in name for name in before) for folder in folders), before
    assert client.user(user)["known"]
    assert keys_in_redis(service, user)

    erased = client.erase_user(user)

    assert erased["stale_datasets"] == ["datasets/old.parquet"]
    assert "the erasure itself in the log" in erased["remains"][0]
    assert client.user(user)["known"] is False
    assert service.explain([item], user=user, id="r-erased")[item]["user_engagement__present"] == 0
    assert service.eventually(lambda: service.log.served("r-erased"))
    assert [key for key in keys_in_redis(service, user) if b":live:erased:" not in key] == []

    report = refresh(service.settings)

    assert (report.erased["datasets"], report.erased["runs"]) == (1, 1)
    assert report.erased["quarantined lines"] >= 1
    assert service.eventually(lambda: not files_with(service, user, "canary-visit")), files_with(
        service, user, "canary-visit"
    )
    # The erasure itself, and the answer to the same id after it.
    assert compacted_text(service, user) == {"user", "served"}
    assert keys_in_redis(service, user) == []
    assert client.user(user)["known"] is False
    service.click(item, user_id=user)
    assert client.user(user)["features"]["user_engagement__clicks_all"] == 1


@pytest.mark.parametrize("way", ["verb", "event"])
def test_a_shared_device_of_an_erased_user_belongs_to_nobody(service, client, way):
    lender, borrower, device = (f"{way}-{name}" for name in ("lender", "borrower", "device"))
    for user in (lender, borrower):
        service.click(service.items[0], user_id=user, session_id=device)
    service.click(service.items[1], session_id=device)
    if way == "verb":
        client.erase_user(borrower)
    else:
        erasure = {"kind": "user", "event_id": f"erasure-{device}", "op": "erase"}
        times = {"event_time": service.clock.now(), "user_id": borrower}
        assert service.http.post("/events", json=erasure | times).json()["accepted"] == 1
    service.click(service.items[2], session_id=device)

    links = service.log.links([device])

    assert [link.user_id for link in links] == [lender, None]
    assert client.user(lender)["features"]["user_engagement__clicks_all"] == 1


def test_the_command_line_shows_and_erases_a_user(service, capsys):
    service.click(service.items[0], user_id="terminal")

    statuses = [
        main(["user", action, "terminal", "--url", service.url, "--json"])
        for action in ("show", "erase", "show")
    ]

    shown, erased, after = map(json.loads, capsys.readouterr().out.splitlines())
    assert statuses == [0, 0, 0]
    assert (shown["known"], after["known"]) == (True, False)
    assert erased["user"] == "terminal"


def test_features_models_and_schemas_are_described(service, client):
    features, models = client.features(), client.models()

    views = {view["view"]: view for view in features["views"]}
    assert views["item_engagement"]["entity"] == "item"
    assert all(f["description"] for view in features["views"] for f in view["features"])
    assert "item_engagement__clicks_7d" in features["feature_services"]["ranking_v1"]
    assert "default" in {model["name"] for model in models["models"]}
    assert {index["kind"] for index in models["indices"]} >= {"lexical", "assortment"}
    for kind in SHOP_KINDS:
        assert client.schema(kind)["title"] == f"Aisle {kind} event"
    assert {"/users/{user_id}", "/features", "/models"} <= set(client.openapi()["paths"])


@pytest.mark.parametrize("user", ["", "%00", "a" * 5000, "%E2%98%82", "..%2F..%2Fetc%2Fpasswd"])
def test_unusual_ids_in_a_path_are_not_answered_with_a_5xx(service, user):
    for method in ("GET", "DELETE"):
        assert service.http.request(method, f"/users/{user}").status_code in (200, 400, 404)
