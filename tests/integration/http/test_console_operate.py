"""What those who sign in to the console change, and who may not."""

import json
import re
from html import unescape

import pytest

from feature_repo.home import ApiKeys
from feature_repo.shop import Shop
from pipelines.console.actions import ACTIONS
from pipelines.console.changes import MOST_FORM_BYTES
from pipelines.operation import JudgmentsFile, RulesFile
from tests.integration.http.consoles import operating, operator_key, running_console
from tests.integration.http.small_shop import publish_ranker
from training.artifacts import read_history
from training.rules import RULES_FILE

SCOPES = ("answers", "events", "users", "metrics", "operate")


@pytest.fixture(scope="module")
def secret(running_service):
    with operator_key(running_service, *SCOPES) as secret:
        yield secret


@pytest.fixture(scope="module")
def url(running_service, secret):
    with running_console(running_service.settings, running_service.url) as url:
        yield url


@pytest.fixture
def session(url, secret):
    """A client that signed in, and the token of its forms."""
    with operating(url, secret) as session:
        yield session


@pytest.fixture
def rules(running_service):
    file = RulesFile(running_service.home)
    yield file
    for path in rules_of(running_service.home):
        path.unlink()


def rules_of(home):
    """The rules in use, their history and all drafts."""
    return [path for path in home.root.glob("rules.*/*") if path.is_file()] + [
        path for path in home.root.glob("rules.*") if path.is_file()
    ]


def send(session, path, **fields):
    client, token = session
    return client.post(f"/{path}", data={"token": token, **fields})


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.path)
def test_only_a_form_of_a_session_changes_something(session, running_service, action):
    client, token = session
    history, rules = read_history(running_service.home, "default"), rules_of(running_service.home)
    fields = {"reason": "planted", "text": "", "action": "hide", "items": "i00001"}
    wrong = {
        "no session": ({"cookie": "aisle_operator=nonsense"}, {"token": token}),
        "no token": ({}, {}),
        "a wrong token": ({}, {"token": token[:-1]}),
        "another origin": ({"origin": "https://shop.example"}, {"token": token}),
        "a hidden origin": ({"origin": "null"}, {"token": token}),
        "another site": ({"sec-fetch-site": "cross-site"}, {"token": token}),
        "another host": ({"host": "shop.example"}, {"token": token}),
    }
    statuses = {
        name: client.post(f"/{action.path}", data=fields | tokens, headers=headers).status_code
        for name, (headers, tokens) in wrong.items()
    }

    assert {*statuses.values()} == {403}, statuses
    assert client.get(f"/{action.path}").status_code in (404, 405)
    assert read_history(running_service.home, "default") == history
    assert rules_of(running_service.home) == rules


def test_a_reader_gets_no_form_that_changes_something(running_service, url, session):
    client, _ = session
    for path in ("/models", "/rules"):
        reader = client.get(path, headers={"cookie": ""}).text
        assert 'method="post"' not in reader
        assert 'method="post"' in client.get(path).text


def test_a_key_without_the_scope_and_a_wrong_one_do_not_sign_in(running_service, session):
    client, _ = session
    keys, other = ApiKeys.load(running_service.home.api_keys).with_new("other", ["answers"])
    keys.save(running_service.home.api_keys)

    for secret in (other, "nonsense", ""):
        answer = client.post("/session", data={"key": secret})
        assert answer.status_code == 403
        assert "with the scope operate" in answer.text
        assert "set-cookie" not in answer.headers


def test_a_session_ends_with_its_key_and_when_its_holder_signs_out(running_service, url, session):
    keys, secret = ApiKeys.load(running_service.home.api_keys).with_new("ben", ["operate"])
    keys.save(running_service.home.api_keys)
    with operating(url, secret) as (client, token), operating(url, secret) as (left, other):
        left.post("/sign-out", data={"token": other})
        assert "Sign out" not in left.get("/models").text
        assert "Sign out" in client.get("/models").text
        keys.without("ben").save(running_service.home.api_keys)

        assert "Sign out" not in client.get("/models").text
        answer = client.post("/models/roll-back", data={"token": token, "reason": "late"})
        assert answer.status_code == 403


def test_a_form_that_is_too_large_is_refused(session):
    answer = send(session, "rules/draft", text="#" * MOST_FORM_BYTES)

    assert answer.status_code == 413


def test_a_version_is_put_in_use_and_rolled_back_with_a_reason(session, running_service, tmp_path):
    home = running_service.home
    link = home.current / "ranker" / "default"
    target, first = link.readlink(), link.resolve().name
    second = publish_ranker(home, tmp_path / "ranker", seed=5)
    try:
        promoted = send(session, "models/promote", version=first, reason="It was better")
        page = session[0].get("/models").text
        nameless = send(session, "models/promote", version=second, reason=" ")
        unknown = send(session, "models/promote", version="nothing", reason="why")
        changes = read_history(home, "default")
        send(session, "models/promote", version=second, reason="again")
        rolled_back = send(session, "models/roll-back", reason="It was worse")

        assert (promoted.status_code, promoted.headers["location"]) == (303, "/models")
        assert f"default {first} is now in use." in page
        assert (nameless.status_code, unknown.status_code) == (400, 404)
        assert (changes[-1].action, changes[-1].reason) == ("promote", "It was better (anna)")
        assert rolled_back.status_code == 303
        assert (home.current / "ranker" / "default").resolve().name == first
        assert send(session, "models/retire", version=second, reason="why").status_code == 303
        assert read_history(home, "default")[-1].action == "retire"
    finally:
        link.unlink()
        link.symlink_to(target)  # It is relative, so that a copy of the home keeps its own.
        (home.artifacts / "ranker" / "default" / ".history.jsonl").unlink()


def items_of(service, secret, **body):
    headers = {"Authorization": f"Bearer {secret}"}
    answer = service.http.post("/search", json={"query": "", "size": 20, **body}, headers=headers)
    return [one["item"] for one in answer.raise_for_status().json()["items"]]


def test_a_rule_is_drafted_previewed_published_and_undone(session, running_service, secret, rules):
    client, _ = session
    hidden = items_of(running_service, secret)[0]
    drafted = send(session, "rules/add", action="hide", items=hidden, surface="search")
    draft = drafted.headers["location"]
    page = unescape(client.get(draft).text)
    preview = client.get(draft.replace("/rules?", "/rules.json?")).json()["preview"]["rows"]

    assert "is not in use" in page
    assert hidden in items_of(running_service, secret)
    assert len(preview) == 10
    assert all(hidden not in (row["entered"] or "") for row in preview)
    name = draft.partition("draft=")[2]
    for reason, status in ((" ", 400), ("Out of season", 303)):
        fields = {"draft": name, "before": rules.name, "reason": reason}
        assert send(session, "rules/publish", **fields).status_code == status
    assert running_service.eventually(lambda: hidden not in items_of(running_service, secret))
    listed = client.get("/rules.json").json()
    assert [row["what"] for row in listed["rules"]["rows"]] == [hidden]
    assert [row["reason"] for row in listed["history"]["rows"]] == ["Out of season"]

    stale = send(session, "rules/publish", draft=name, before="0" * 16, reason="late")
    empty = send(session, "rules/remove", number="1").headers["location"].partition("draft=")[2]
    send(session, "rules/publish", draft=empty, before=rules.name, reason="Back in season")
    assert running_service.eventually(lambda: hidden in items_of(running_service, secret))
    undone = send(session, "rules/undo", name=name, before=rules.name, reason="A mistake")

    assert stale.status_code == 400
    assert "Somebody changed them meanwhile" in stale.text
    assert undone.status_code == 303
    assert json.dumps(hidden) in (running_service.home.root / RULES_FILE).read_text()


def test_a_preview_is_the_answer_after_the_publication(session, running_service, secret, rules):
    first, *_, last = items_of(running_service, secret)
    text = f'[[rule]]\naction = "pin"\nitems = [{json.dumps(last)}]\n'
    name = rules.save_draft(text)
    headers = {"Authorization": f"Bearer {secret}"}

    def tried(rules_name):
        body = {"query": "", "size": 20}
        return running_service.http.post(
            "/search", json=body, headers=headers, params={"rules": rules_name}
        )

    before = [one["item"] for one in tried(name).json()["items"]]
    rules.publish(text, before=rules.name, author="", reason="why")

    assert before[0] == last
    assert running_service.eventually(lambda: items_of(running_service, secret) == before)
    assert tried("off").json()["items"][0]["item"] == first
    for wrong in ("nothing", "../rules", "0" * 16):
        assert tried(wrong).status_code == 400
    wrong = rules.save_draft("[[rule]")
    assert tried(wrong).status_code == 400


def test_a_draft_with_an_error_says_where_and_cannot_be_published(session, rules):
    answer = send(session, "rules/draft", text='[[rule]]\naction = "raise"\n')
    page = unescape(session[0].get(answer.headers["location"]).text)

    assert "The draft has an error." in page
    assert "rule 1.action" in page
    assert "Put in use" not in page
    assert 'action = "raise"' in page


@pytest.fixture
def judgments(running_service):
    file = JudgmentsFile(running_service.home)
    yield file
    file.path.unlink(missing_ok=True)


def test_queries_with_judgments_are_listed_with_the_worst_answers_first(
    session, running_service, secret, judgments
):
    client, _ = session
    best, *_, last = items_of(running_service, secret, query="red", size=10)
    qrels = f"1 0 {best} 3\n2 0 nothing 3\n"
    imported = send(session, "judgments/import", text=qrels, topics="1\tred\n2\tshoes")
    fields = {f"grade:{best}": "", f"grade:{last}": "2"}
    rows = client.get("/judgments.json?table=queries").json()["rows"]
    stored = send(session, "judgments/judge", q="red", **fields)
    compared = client.get("/judgments.json?table=queries&with=model&model=default").json()["rows"]
    page = client.get("/judgments?q=red").text

    assert (imported.status_code, stored.status_code) == (303, 303)
    assert [(row["query"], row["ndcg"]) for row in rows] == [("shoes", 0.0), ("red", 1.0)]
    assert judgments.read() == {"red": {last: 2}, "shoes": {"nothing": 3}}
    (red,) = (row for row in compared if row["query"] == "red")
    assert red["gain"] == pytest.approx(red["other"] - red["ndcg"])
    assert 0 < red["ndcg"] < 1
    assert page.count("<select") == page.count('<option value="3"')
    assert send(session, "judgments/import", text="a,b").status_code == 400


def of_simulation(service, name):
    """The events of a simulation in the log, by kind."""
    logged = service.log.unsealed(("ranking", "interaction"))
    listed = [event for event in logged if event.event_id.startswith(f"simulated-{name}-")]
    return {kind: [e for e in listed if e.kind == kind] for kind in ("ranking", "interaction")}


def test_shoppers_of_a_simulated_shop_visit_the_service_until_they_are_stopped(
    session, running_service
):
    client, _ = session
    wrong = {"requests": "0", "seed": "3"}, {"requests": "5001", "seed": "3"}, {"requests": "5"}
    assert {send(session, "simulator/start", **fields).status_code for fields in wrong} == {400}
    started = send(session, "simulator/start", requests="6", seed="3")
    second = send(session, "simulator/start", requests="6", seed="3")

    def ended():
        return "has ended after 6 of them" in client.get("/simulator").text

    assert started.status_code == 303
    assert second.status_code == 503
    assert "A simulation runs already" in second.text
    assert running_service.eventually(ended)
    sums = {
        row["what"]: row["count"] for row in client.get("/simulator.json").json()["sum"]["rows"]
    }
    name = re.search(r"simulated-([0-9a-f]{8})-", client.get("/simulator").text)[1]
    events = of_simulation(running_service, name)
    assert sums["slates that were shown"] == len(events["ranking"]) == 6
    types = [event.type for event in events["interaction"]]
    assert sums["clicks"] == types.count("click")
    assert all(event.request_id for event in events["interaction"])

    assert send(session, "simulator/start", requests="5000", seed="3").status_code == 303
    assert "every 2s" in client.get("/simulator").text
    assert "every 2s" not in client.get("/simulator?watch=no").text
    assert send(session, "simulator/stop").status_code == 303
    assert "was stopped after" in client.get("/simulator").text


def test_another_shop_gets_shoppers_only_where_a_person_writes_its_name(session, running_service):
    answer = send(session, "simulator/start", requests="3", seed="4")
    shop = Shop.load(running_service.home.shop_toml).name

    assert answer.status_code == 400
    assert f"To send them still, write: {shop}" in unescape(answer.text)
    assert send(session, "simulator/start", requests="3", seed="4", shop=shop).status_code == 303

    def ended():
        return "has ended after 3 of them" in session[0].get("/simulator").text

    assert running_service.eventually(ended)
    said = session[0].get("/simulator.json?table=newest").json()["rows"]
    assert all("A visitor without a name" in row["what"] for row in said)


def test_a_user_is_erased_only_where_their_id_is_written_again(session, running_service):
    client, _ = session
    page = client.get("/entity?of=user:nobody-in-particular").text
    fields = {"user": "nobody-in-particular"}
    refused = send(session, "users/erase", **fields, confirmed="nobody")
    erased = send(session, "users/erase", **fields, confirmed="nobody-in-particular")

    assert "Erasing is final" in page
    assert refused.status_code == 400
    assert "Nothing was erased" in refused.text
    assert erased.headers["location"] == "/entity?of=user%3Anobody-in-particular"
    assert "is erased since" in client.get(erased.headers["location"]).text
    erasures = [e for e in running_service.log.unsealed(("user",)) if e.op == "erase"]
    assert "nobody-in-particular" in [event.user_id for event in erasures]
