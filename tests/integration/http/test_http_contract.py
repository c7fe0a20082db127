"""The HTTP contract of `/rank`, the probes, metrics and documents."""

import json

import pytest

from serving.http.endpoints import ENDPOINTS


def test_an_answer_has_the_keys_of_the_contract_and_the_best_item_first(service):
    answer = service.rank(service.items, id="r-keys", user=service.users[0]).json()

    scores = [item["score"] for item in answer["items"]]
    assert list(answer) == [
        "took",
        "items",
        "request_id",
        "model_version",
        "feature_service",
        "degraded",
        "dropped",
    ]
    assert list(answer["items"][0]) == ["item", "score"]
    assert sorted(item["item"] for item in answer["items"]) == service.items
    assert scores == sorted(scores, reverse=True)
    assert answer["request_id"] == "r-keys"
    assert answer["feature_service"] == "ranking_v1"
    assert answer["degraded"] == []
    assert answer["dropped"] == []
    assert answer["took"] > 0


def test_scores_do_not_depend_on_the_order_of_the_items(service):
    body = {"user": service.users[1], "fields": [{"name": "query", "value": "Red  Shoes"}]}

    one = service.rank(service.items, **body).json()["items"]
    other = service.rank(service.items[::-1], **body).json()["items"]

    assert {i["item"]: i["score"] for i in one} == {i["item"]: i["score"] for i in other}


def test_equal_scores_keep_the_order_of_the_request(service):
    answer = service.rank(["never-seen-2", "never-seen-1", "never-seen-3"]).json()

    assert [item["item"] for item in answer["items"]] == [
        "never-seen-2",
        "never-seen-1",
        "never-seen-3",
    ]


def test_a_request_without_id_gets_one(service):
    ids = {service.rank(service.items[:2]).json()["request_id"] for _ in range(2)}

    assert len(ids) == 2
    assert all(ids)


def test_a_request_without_items_is_answered_without_items(service):
    response = service.rank([])

    assert response.status_code == 200
    assert response.json()["items"] == []
    assert response.json()["degraded"] == []


def test_explain_gives_the_features_of_each_item_with_null_for_missing(service):
    features = service.explain([service.items[0], "no-such-item"])

    stored, unknown = features[service.items[0]], features["no-such-item"]
    assert stored.keys() == unknown.keys()
    assert stored["item_attributes__present"] == 1
    assert unknown["item_attributes__present"] == 0
    assert unknown["item_engagement__clicks_all"] is None
    assert unknown["item_attributes__price"] is None


def test_an_unknown_item_is_ranked(service):
    answer = service.rank([service.items[0], "no-such-item"]).json()

    assert {item["item"] for item in answer["items"]} == {service.items[0], "no-such-item"}


def test_a_field_of_the_request_overrides_the_stored_one(service):
    item = service.items[0]

    stored = service.explain([item])[item]
    overridden = service.explain(
        [
            {
                "id": item,
                "fields": [{"name": "price", "value": 100}, {"name": "colour", "value": "x"}],
            }
        ]
    )[item]
    removed = service.explain([{"id": item, "fields": [{"name": "price", "value": None}]}])[item]
    unknown = service.explain([{"id": "new", "fields": [{"name": "price", "value": "7.5"}]}])["new"]

    assert stored["item_attributes__price"] not in (None, 100)
    assert overridden["item_attributes__price"] == 100
    assert removed["item_attributes__price"] is None
    assert unknown["item_attributes__price"] == 7.5


def test_a_deleted_item_is_dropped_and_reported(service):
    deleted, remaining = "soon-deleted", service.items[0]
    event = {
        "kind": "item",
        "event_id": "delete-soon-deleted",
        "event_time": service.clock.now(),
        "item_id": deleted,
        "op": "delete",
    }
    assert service.http.post("/events", json=event).json()["accepted"] == 1

    answer = service.rank([deleted, remaining]).json()

    assert [item["item"] for item in answer["items"]] == [remaining]
    assert answer["dropped"] == [deleted]


def test_integer_ids_are_converted_to_text(service):
    assert service.rank([{"id": 17}], user=5).json()["items"][0]["item"] == "17"


@pytest.mark.parametrize(
    "timestamp", [None, "soon", 1e300, -5, {"at": 1}, "2026-01-10T12:00+02:00"]
)
def test_an_invalid_timestamp_does_not_fail_a_request(service, timestamp):
    assert service.rank(service.items[:2], timestamp=timestamp).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"", 400, "body"),
        (b"{", 400, "body"),
        (b"[]", 400, "body"),
        (b'{"items": [{"id": "a"}], "fields": NaN}', 400, "body"),
        (b'{"items": [{"id": "a"}], "timestamp": Infinity}', 400, "body"),
        (b'{"items": [{"id": "a"}], "timestamp": 1e999}', 400, "timestamp"),
        (b'{"items": [{"id": "\\ud800"}]}', 400, "body"),
        (b'{"items": [{"id": "\xff"}]}', 400, "body"),
        (b"[" * 100_000, 400, "body"),
        (b"{}", 400, "items"),
        (b'{"items": null}', 400, "items"),
        (b'{"items": {"id": "a"}}', 400, "items"),
        (b'{"items": [{"id": "a"}, {"id": "a"}]}', 400, "items"),
        (b'{"items": [{"id": "a"}, {}]}', 400, "items[1].id"),
        (b'{"items": [{"id": ""}]}', 400, "items[0].id"),
        (b'{"items": [{"id": true}]}', 400, "items[0].id"),
        (b'{"items": [{"id": "a", "fields": 3}]}', 400, "items[0].fields"),
        (b'{"items": [{"id": "a", "fields": [{"value": 1}]}]}', 400, "items[0].fields[0].name"),
        (b'{"items": [], "user": {"id": 1}}', 400, "user"),
        (b'{"items": [], "fields": [{"name": "query", "value": 4}]}', 400, "fields.query"),
    ],
)
def test_an_invalid_body_is_rejected_by_field(service, body, status, field):
    response = service.http.post("/rank/default", content=body)

    error = response.json()["error"]
    assert response.status_code == status
    assert list(error) == ["field", "expected", "found"]
    assert error["field"].startswith(field)


def test_an_unknown_model_is_404_with_the_existing_ones(service):
    response = service.rank(service.items, model="nonesuch")

    assert response.status_code == 404
    assert response.json()["error"]["field"] == "model"
    assert "default" in response.json()["error"]["expected"]


@pytest.mark.parametrize("path", ["/rank/default", "/events", "/feedback"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405_with_the_allowed_one(service, method, path):
    response = service.http.request(method, path)

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json()["error"]["expected"] == "POST"


def test_an_unknown_path_is_404(service):
    assert service.http.post("/rank").json()["error"]["field"] == "path"


def test_a_thousand_items_are_ranked_and_one_more_is_413(service):
    ids = [f"many-{n}" for n in range(1001)]

    assert len(service.rank(ids[:1000]).json()["items"]) == 1000
    assert service.rank(ids).status_code == 413


def test_a_body_over_a_mebibyte_is_413_declared_or_not(service):
    body = json.dumps({"items": [{"id": "a"}], "pad": "x" * (1 << 20)}).encode()

    declared = service.http.post("/rank/default", content=body)
    streamed = service.http.post("/rank/default", content=iter([body[:1000], body[1000:]]))

    assert declared.status_code == 413
    assert streamed.status_code == 413
    assert streamed.json()["error"]["field"] == "body"


def test_probes_answer(service):
    assert service.http.get("/livez").status_code == 200
    assert service.http.get("/readyz").status_code == 200


def test_metrics_count_answers(service):
    before = service.metric('aisle_answer_seconds_count{endpoint="rank"}')
    service.rank(service.items[:2])

    assert service.metric('aisle_answer_seconds_count{endpoint="rank"}') == before + 1
    assert service.metric("aisle_live_state_up") == 1


def test_the_openapi_document_has_every_endpoint(service):
    document = service.http.get("/openapi.json").json()

    assert set(document["paths"]) == {endpoint.template for endpoint in ENDPOINTS}
    assert service.http.get("/docs.json").json() == document


def test_the_index_page_loads_no_script(service):
    page = service.http.get("/")

    assert page.status_code == 200
    assert "script" not in page.text


def test_schemas_of_events_are_published(service):
    assert service.http.get("/schema/item.json").json()["title"] == "Aisle item event"
    assert service.http.get("/schema/served.json").status_code == 404
