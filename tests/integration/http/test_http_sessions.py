"""Visitors without a name are served by what their session did; a link gives it to the user."""

import uuid

import pytest

from pipelines.service import AisleClient
from tests.integration.http.small_shop import run_service

CLICKS = 6
RECENT, COUNT = "user_recent__clicked_item_ids", "user_engagement__clicks_all"


@pytest.fixture
def client(service):
    with AisleClient(service.url) as client:
        yield client


@pytest.fixture(scope="module")
def other(shop):
    """A second process of the service."""
    with run_service(shop) as other:
        yield other


def name(kind):
    return f"{kind}-{uuid.uuid4().hex[:8]}"


def send(service, *events):
    """Send events of this instant in one body."""
    now = service.clock.now()
    stamped = [{"event_id": uuid.uuid4().hex, "event_time": now, **event} for event in events]
    answer = service.http.post("/events", json=stamped).json()
    assert answer["accepted"] == len(events), answer


def clicked(item, **who):
    return {"kind": "interaction", "type": "click", "item_id": item, **who}


def link(user, session, op="link"):
    return {"kind": "user", "op": op, "user_id": user, "session_id": session}


def visit(service, items, **who):
    for item in items:
        send(service, clicked(item, **who))


def features(service, item, **who):
    return service.explain([item], **who)[item]


def clicks_of(service, **who):
    value = features(service, service.items[0], **who)[COUNT]
    return 0 if value is None else value


def test_six_clicks_without_a_name_change_the_ranking_and_home(service):
    session, fresh = name("s"), name("s")
    before = service.rank(service.items, session=session).json()["items"]
    items = sorted(one["item"] for one in before)  # other tests delete some

    visit(service, items[:CLICKS], session_id=session)

    after = service.rank(items, session=session).json()["items"]
    assert [one["item"] for one in after] != [one["item"] for one in before]
    personal = features(service, items[0], session=session)
    nobodys = features(service, items[0], session=fresh)
    filled = {n for n, value in personal.items() if value is not None and nobodys[n] is None}
    assert {"session__clicks", "history__times_clicked", COUNT} <= filled
    assert personal[COUNT] == CLICKS
    assert personal["user_attributes__present"] == 0
    home, nobodys_home = (
        service.recommend("home", {"explain": "1"}, session=one, count=60).json()["items"]
        for one in (session, fresh)
    )
    assert [one["item"] for one in home] != [one["item"] for one in nobodys_home]
    assert any("past" in one["sources"] for one in home)
    again = service.recommend("again", session=session, count=CLICKS).json()["items"]
    assert {one["item"] for one in again} == {*items[:CLICKS]}


def test_a_nameless_visit_is_answered_like_one_of_a_new_user_with_the_same_clicks(service):
    user, session, items = name("u"), name("s"), service.items
    for item in items[:CLICKS]:
        send(service, clicked(item, session_id=session), clicked(item, user_id=user))

    nameless, named = (
        {n: v for n, v in features(service, items[0], **who).items() if not n.endswith("seconds")}
        for who in ({"session": session}, {"user": user})
    )
    listed = [
        [one["item"] for one in service.recommend("home", **who, count=20).json()["items"]]
        for who in ({"session": session}, {"user": user})
    ]

    assert nameless == named
    assert nameless[COUNT] == CLICKS
    assert listed[0] == listed[1]


def test_a_linked_visit_is_the_users_in_every_session(service, client):
    user, session, items = name("u"), name("s"), service.items
    visit(service, items[:3], session_id=session)
    assert client.user(user)["known"] is False
    assert client.session(session)["owner"] is None

    send(service, link(user, session))
    send(service, clicked(items[3], session_id=session))

    assert client.user(user)["features"][RECENT] == items[:4][::-1]
    assert clicks_of(service, user=user, session=name("s")) == 4
    assert clicks_of(service, user=user, session=session) == 4
    linked = client.session(session)
    assert (linked["known"], linked["owner"], linked["shared"]) == (True, user, False)
    assert linked["features"]["session_engagement__clicks_all"] == 4


def test_a_request_with_both_names_reads_both_until_the_session_has_an_owner(service):
    user, session, items = name("u"), name("s"), service.items
    visit(service, items[:2], session_id=session)
    visit(service, items[2:3], user_id=user)

    assert clicks_of(service, user=user, session=session) == 3
    send(service, link(name("u"), session))
    assert clicks_of(service, user=user, session=session) == 1


def test_the_next_user_of_a_shared_device_gets_only_what_came_after(service, client):
    first, second, device, items = name("u"), name("v"), name("s"), service.items
    visit(service, items[:1], session_id=device)
    visit(service, items[1:2], session_id=device, user_id=first)
    visit(service, items[2:3], session_id=device)
    visit(service, items[3:4], session_id=device, user_id=second)

    assert client.user(first)["features"][RECENT] == items[:3][::-1]
    assert client.user(second)["features"][RECENT] == items[3:4]
    assert clicks_of(service, session=device) == 0
    shared = client.session(device)
    assert (shared["owner"], shared["shared"]) == (second, True)


def test_after_a_log_out_the_device_says_nothing_of_its_visitor(service, client):
    user, device = name("u"), name("s")
    visit(service, service.items[:2], session_id=device, user_id=user)

    send(service, link(user, device, "unlink"))
    visit(service, service.items[2:3], session_id=device)

    assert clicks_of(service, user=user) == 2
    assert clicks_of(service, session=device) == 0
    assert (client.session(device)["owner"], client.session(device)["shared"]) == (None, True)


def test_a_merged_account_gets_the_history_of_the_other(service):
    old, new = name("u"), name("u")
    visit(service, service.items[:2], user_id=old)
    visit(service, service.items[2:3], user_id=new)

    send(service, {"kind": "user", "op": "merge", "user_id": new, "from_user_id": old})

    assert clicks_of(service, user=new) == 3
    assert clicks_of(service, user=old) == 2


def test_erasure_of_a_user_makes_linked_sessions_unknown_at_once(service, client):
    user, session = name("u"), name("s")
    visit(service, service.items[:3], session_id=session)
    send(service, link(user, session))

    client.erase_user(user)

    assert client.user(user)["known"] is False
    assert client.session(session)["known"] is False
    assert clicks_of(service, session=session) == 0


def test_a_click_through_one_process_is_ranked_by_another(service, other):
    session, item = name("s"), service.items[0]

    for n in range(1, 4):
        send(service, clicked(item, session_id=session))
        assert clicks_of(other, session=session) == n


def test_the_answer_log_has_the_session(service):
    session, request = name("s"), name("r")

    service.rank(service.items[:3], session=session, id=request)

    served = service.eventually(lambda: service.log.served(request))
    assert served.session_id == session
