"""Bodies of events that are accepted and probably not meant, or refused in part."""


def test_a_body_says_what_is_wrong_and_its_status_says_how_much(service):
    def act(event_id, **fields):
        about = {"event_time": service.clock.now(), "item_id": service.items[0], "type": "click"}
        return {"kind": "interaction", "event_id": f"wrong-{event_id}", **about, **fields}

    send = service.http.post
    warned = send("/events", json=[act(1), act(2, type="product_clicked"), act(3, type="Purchase")])
    partly = send("/events", json=[act(4), act(5, nmae="x")])
    wholly = send("/events", json=[act(6, item_id=None), 7])
    metrics = service.http.get("/metrics").text

    assert [response.status_code for response in (warned, partly, wholly)] == [200, 207, 422]
    assert warned.json()["accepted"] == warned.json()["warnings_count"] + 1 == 3
    first, second = warned.json()["warnings"]
    assert {**first, "expected": "", "hint": ""} == {
        "index": 1,
        "field": "type",
        "found": "'product_clicked'",
        "expected": "",
        "hint": "",
    }
    assert "Did you mean click?" in first["hint"]
    assert "Did you mean purchase?" in second["hint"]
    assert [*warned.json()["warning_reasons"].values()] == [2]
    assert partly.json()["quarantined"][0]["index"] == 1
    assert [one["index"] for one in wholly.json()["quarantined"]] == [0, 1]
    assert 'aisle_events_total{outcome="warned"}' in metrics
