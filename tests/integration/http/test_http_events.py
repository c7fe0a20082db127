"""Ingestion by `/events` and `/feedback`, and its effect on the next ranking."""

import json

import pytest

from feature_repo.events.contract import query_key
from feature_repo.home import MINUTE, to_text
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.redis import redis_client
from feature_repo.online.redis.server import ensure_redis
from feature_repo.shop import Shop
from tests.scale import seconds


def item_event(service, event_id, **fields):
    return {
        "kind": "item",
        "event_id": event_id,
        "event_time": service.clock.now(),
        "item_id": f"of-{event_id}",
        **fields,
    }


@pytest.mark.parametrize("form", ["object", "array", "lines"])
def test_one_object_an_array_and_lines_are_accepted(service, form):
    events = [item_event(service, f"{form}-{n}") for n in range(1 if form == "object" else 3)]
    body = {
        "object": json.dumps(events[0]),
        "array": json.dumps(events),
        "lines": "\n".join(map(json.dumps, events)) + "\n\n",
    }[form]

    response = service.http.post("/events", content=body)

    assert response.status_code == 200
    assert response.json() == {"accepted": len(events), "duplicate": 0, "quarantined": []}


def test_an_invalid_event_is_quarantined_and_the_others_are_accepted(service):
    good, bad = item_event(service, "good-1"), item_event(service, "bad-1", price=3)

    answer = service.http.post("/events", json=[bad, good, 17, "text", None]).json()

    assert answer["accepted"] == 1
    assert [entry["index"] for entry in answer["quarantined"]] == [0, 2, 3, 4]
    assert answer["quarantined"][0]["field"] == "price"
    keys = ["index", "field", "reason", "hint"]
    assert all(list(entry) == keys and entry["hint"] for entry in answer["quarantined"])


def test_links_and_merges_are_accepted_and_incomplete_ones_are_quarantined(service):
    def user_event(number, **fields):
        times = {"event_id": f"identity-{number}", "event_time": service.clock.now()}
        return {"kind": "user", **times, "user_id": "linked", **fields}

    complete = [
        user_event(1, op="link", session_id="s"),
        user_event(2, op="unlink", session_id="s"),
        user_event(3, op="merge", from_user_id="other"),
    ]
    incomplete = [
        user_event(4, op="link"),
        user_event(5, op="merge", from_user_id="linked"),
        user_event(6, op="upsert", session_id="s"),
    ]

    answer = service.http.post("/events", json=[*complete, *incomplete]).json()

    assert answer["accepted"] == 3
    assert [entry["field"] for entry in answer["quarantined"]] == [
        "session_id",
        "from_user_id",
        "session_id",
    ]


def test_an_interaction_is_corrected_once_whatever_the_correction_says(service):
    user, item, other = "corrector", service.items[5], service.items[6]

    def act(event_id, **fields):
        about = {"event_time": service.clock.now(), "item_id": item, "type": "click"}
        return {"kind": "interaction", "event_id": event_id, **about, **fields}

    service.http.post("/events", json=[act("kept", user_id=user), act("mistake", user_id=user)])
    wrong = act("first", item_id=other, type="purchase", value=9, corrects="mistake")
    first = service.http.post("/events", json=wrong).json()
    repeated = service.http.post("/events", json=wrong).json()
    later = service.http.post(
        "/events",
        json=[
            act("second", corrects="mistake"),
            act("of-a-correction", corrects="first"),
            act("of-nothing", corrects="never-sent"),
            act("new"),
            act("of-new", corrects="new"),
            act("of-new-again", corrects="new"),
        ],
    ).json()
    after = service.explain([item, other], user=user)

    assert (first["accepted"], repeated["duplicate"], later["accepted"]) == (1, 1, 2)
    assert [entry["index"] for entry in later["quarantined"]] == [0, 1, 2, 5]
    reasons = [entry["reason"] for entry in later["quarantined"]]
    assert [entry["field"] for entry in later["quarantined"]] == ["corrects"] * 4
    assert "not corrected before, found 'mistake, corrected by first'" in reasons[0]
    assert "no correction itself" in reasons[1]
    assert "an earlier interaction, found 'never-sent'" in reasons[2]
    assert after[item]["user_engagement__clicks_all"] == 1
    assert (after[other]["item_engagement__orders_all"] or 0) == 0


def test_a_quarantined_event_is_stored_with_its_reason(service):
    service.http.post("/events", json={"kind": "nonsense", "event_id": "in-quarantine"})

    entries = [
        json.loads(line)
        for path in (service.home.log / "quarantine").glob("*.jsonl")
        for line in path.read_text().splitlines()
        if "in-quarantine" in line
    ]
    assert len(entries) == 1
    assert "kind" in entries[0]["reason"]


def test_an_event_of_the_future_is_quarantined(service):
    at = service.clock.now() + 6 * MINUTE

    answer = service.http.post(
        "/events", json=item_event(service, "future", event_time=to_text(at))
    ).json()

    assert answer["accepted"] == 0
    assert answer["quarantined"][0]["field"] == "event_time"


def test_a_repeated_id_counts_as_duplicate_in_the_body_and_across_bodies(service):
    event = item_event(service, "twice")

    first = service.http.post("/events", json=[event, event]).json()
    second = service.http.post("/events", json=event).json()

    assert first == {"accepted": 1, "duplicate": 1, "quarantined": []}
    assert second == {"accepted": 0, "duplicate": 1, "quarantined": []}


def test_an_id_of_the_compacted_log_counts_as_duplicate(service):
    source = service.home.root.parent / "events.jsonl"
    with source.open() as lines:
        old = json.loads(next(lines))

    answer = service.http.post("/events", json=old).json()

    assert answer == {"accepted": 0, "duplicate": 1, "quarantined": []}


def test_received_at_is_the_servers_clock(service):
    service.http.post("/events", json=item_event(service, "dated", received_at="2001-01-01"))

    logged = [event for event in service.log.unsealed() if event.event_id == "dated"]
    assert logged[0].received_at >= logged[0].event_time


def test_an_acknowledged_click_counts_for_the_next_ranking(service):
    user, item = "clicker", service.items[3]
    before = service.explain([item], user=user)[item]

    _, acknowledged = service.click(item, user_id=user)
    after = service.explain([item], user=user)[item]

    assert acknowledged.json()["accepted"] == 1
    assert before["user_recent__present"] == 0
    assert after["user_recent__present"] == 1
    assert after["user_engagement__clicks_all"] == 1
    assert after["item_engagement__clicks_all"] == (before["item_engagement__clicks_all"] or 0) + 1


def test_a_click_slightly_in_the_future_counts_from_its_time_on(service):
    user, item = "early-bird", service.items[4]

    _, acknowledged = service.click(item, user_id=user, event_time=service.clock.now() + 1_500_000)
    immediately = service.explain([item], user=user)[item]
    later = service.eventually(
        lambda: service.explain([item], user=user)[item]["user_recent__present"]
    )

    assert acknowledged.json()["accepted"] == 1
    assert immediately["user_recent__present"] == 0
    assert later == 1


def test_a_corrected_price_counts_immediately(service):
    item = service.items[5]

    event = item_event(service, "new-price", item_id=item, fields={"price": 12.5})
    service.http.post("/events", json=event)

    assert service.explain([item])[item]["item_attributes__price"] == 12.5


def test_an_answer_counts_as_impressions_only_after_a_shown_report(service):
    items, user = ["fresh-1", "fresh-2"], "window-shopper"
    service.rank(items, user=user, id="r-unshown")
    unshown = service.explain(items, user=user)["fresh-1"]["item_engagement__present"]

    report = {
        "kind": "ranking",
        "event_id": "shown-r-unshown",
        "event_time": service.clock.now(),
        "request_id": "r-unshown",
        "user_id": user,
    }
    answer = service.http.post("/events", json=report).json()
    shown = service.explain(items, user=user)

    assert unshown == 0
    assert answer == {"accepted": 1, "duplicate": 0, "quarantined": []}
    assert {f["item_engagement__impressions_all"] for f in shown.values()} == {1}


def test_a_report_of_an_unknown_request_is_quarantined(service):
    report = {
        "kind": "ranking",
        "event_id": "shown-never",
        "event_time": service.clock.now(),
        "request_id": "never-answered",
    }

    answer = service.http.post("/events", json=report).json()

    assert answer["accepted"] == 0
    assert answer["quarantined"][0]["field"] == "items"


@pytest.mark.parametrize("reported_by", ["events", "feedback", "the answer that was shown"])
def test_a_search_without_results_counts_once(service, reported_by):
    query, at = f"unicorn by {reported_by}", service.clock.now()
    fields = {"fields": [{"name": "query", "value": query}]}
    named = {"event_time": at, "request_id": f"r-{reported_by}", "query": query, "items": []}
    peer = {
        "event": "ranking",
        "id": f"r-{reported_by}",
        "timestamp": to_text(at),
        "items": [],
        **fields,
    }
    for n in range(2):
        if reported_by == "events":
            event = {"kind": "ranking", "event_id": f"nothing-{n}", **named}
            assert service.http.post("/events", json=event).json()["accepted"] == 1
        elif reported_by == "feedback":
            accepted = service.http.post("/feedback", json=peer).json()["accepted"]
            assert accepted == (n == 0)
        else:
            answer = service.rank([], id=f"r-{reported_by}", params={"shown": "1"}, **fields).json()
            assert (answer["items"], answer["degraded"]) == ([], [])

    assert service.log.ranking(f"r-{reported_by}").items == ()
    assert search_counts(service, query) == {"searches_all": 1, "zero_results_all": 1}


def test_an_answer_without_items_counts_as_a_search_only_after_a_shown_report(service):
    query, report = "gryphon", {"kind": "ranking", "event_time": service.clock.now()}
    service.rank([], id="r-none", fields=[{"name": "query", "value": query}])
    answered = service.eventually(lambda: service.log.served("r-none"))
    before = search_counts(service, query)

    for n in range(2):
        shown = {**report, "event_id": f"shown-none-{n}", "request_id": "r-none", "query": query}
        assert service.http.post("/events", json=shown).json()["accepted"] == 1

    assert answered.items == ()
    assert before == {"searches_all": None, "zero_results_all": None}
    assert search_counts(service, query) == {"searches_all": 1, "zero_results_all": 1}


@pytest.mark.parametrize("page", [1, 2])
def test_only_a_first_page_without_items_is_a_search_without_results(service, page):
    query, filters = f"{service.items[0]} on page {page}", {"category": "of no item"}

    answer = service.search(query, params={"shown": "1"}, filters=filters, page=page).json()

    assert (answer["items"], answer["degraded"]) == ([], [])
    expected = 1 if page == 1 else None
    assert search_counts(service, query) == dict.fromkeys(
        ("searches_all", "zero_results_all"), expected
    )


def test_a_ranking_without_items_and_query_is_quarantined_with_its_reason(service):
    report = {
        "kind": "ranking",
        "event_id": "shown-void",
        "event_time": service.clock.now(),
        "request_id": "r-void",
        "items": [],
    }

    answer = service.http.post("/events", json=[report, report | {"query": " "}]).json()

    assert answer["accepted"] == 0
    assert [(entry["index"], entry["field"]) for entry in answer["quarantined"]] == [
        (0, "items"),
        (1, "items"),
    ]
    assert "a query without results" in answer["quarantined"][0]["reason"]


def search_counts(service, query):
    """Return the counts of searches that the next request reads for a query."""
    shop, key = Shop.load(service.home.shop_toml), query_key(query, "default")
    with redis_client(ensure_redis(service.settings), timeout=seconds(5)) as client:
        reader = OnlineReader(service.home, shop, client)
        context = reader.read(user_id=None, query_key=key, item_ids=[], t=service.clock.now())
    row = context.query_row
    return {n: row[f"query_engagement__{n}"] for n in ("searches_all", "zero_results_all")}


def test_shown_with_the_request_makes_impressions_once(service):
    items = ["paraded-1", "paraded-2"]

    for _ in range(2):
        answer = service.rank(items, id="r-shown", params={"shown": "true"}).json()
    features = service.explain(items)

    assert answer["degraded"] == []
    assert {f["item_engagement__impressions_all"] for f in features.values()} == {1}


def test_a_click_takes_user_and_query_from_its_ranking(service):
    query = {"fields": [{"name": "query", "value": "waterproof boots"}]}
    service.rank(["boot"], id="r-boot", user="hiker", params={"shown": "1"}, **query)

    service.click("boot", request_id="r-boot")
    features = service.explain(["boot"], user="hiker", **query)["boot"]

    assert features["user_engagement__clicks_all"] == 1
    assert features["query_engagement__clicks_all"] == 1


def test_feedback_accepts_metarank_events(service):
    now = service.clock.now() // 1000
    events = [
        {
            "event": "item",
            "id": "m1",
            "item": "peer-item",
            "timestamp": str(now),
            "fields": [{"name": "price", "value": 3}],
        },
        {
            "event": "ranking",
            "id": "m2",
            "timestamp": now,
            "user": "peer-user",
            "items": [{"id": "peer-item"}],
        },
        {
            "event": "interaction",
            "id": "m3",
            "timestamp": now,
            "user": "peer-user",
            "ranking": "m2",
            "item": "peer-item",
            "type": "click",
        },
        {"event": "gossip", "id": "m4"},
    ]

    answer = service.http.post("/feedback", json=events).json()
    features = service.explain(["peer-item"], user="peer-user")["peer-item"]

    assert answer["accepted"] == 3
    assert [entry["index"] for entry in answer["quarantined"]] == [3]
    assert features["item_attributes__price"] == 3
    assert features["user_engagement__clicks_all"] == 1
    assert features["item_engagement__impressions_all"] == 1
