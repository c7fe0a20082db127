"""Authentication, limits, headers, logs and shutdown of the service."""

import json
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import get_args, get_type_hints

import httpx
import pytest

from feature_repo.events.contract import EVENT_KINDS
from feature_repo.home import ApiKeys
from pipelines.cli.main import main
from serving.access.concurrency_limit import RUNNING_ANSWERS, WAITING_ANSWERS
from serving.http.endpoints import ENDPOINTS
from tests.integration.http.small_shop import run_service
from tests.scale import seconds

SCOPES = ("answers", "events", "users", "metrics", "operate")


def example_path(endpoint, path):
    """Return the path with an allowed value for each parameter."""
    values = {name: choices[0] for name, choices in endpoint.choices.items()}
    for name in endpoint.path_parameters:
        path = re.sub(rf"\{{{name}(:\w+)?\}}", values.get(name, "default"), path)
    return path


OPEN = [
    example_path(endpoint, path)
    for endpoint in ENDPOINTS
    if endpoint.scope is None
    for path in (endpoint.path, *endpoint.aliases)
]
CLOSED = {
    (endpoint.method, example_path(endpoint, endpoint.path)): endpoint.scope
    for endpoint in ENDPOINTS
    if endpoint.scope is not None
}


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def keys(service):
    """A key for each scope, and one with a rate of one request a second, loaded by the service."""
    api_keys, secrets = ApiKeys(), {}
    for name in SCOPES:
        api_keys, secrets[name] = api_keys.with_new(name, [name])
    api_keys, secrets["slow"] = api_keys.with_new("slow", SCOPES, rate=1.0)
    api_keys.save(service.home.api_keys)
    try:
        assert service.eventually(lambda: service.http.get("/autocomplete").status_code == 401)
        yield secrets
    finally:
        service.home.api_keys.unlink()
        assert service.eventually(lambda: service.http.get("/autocomplete").status_code == 200)


def test_each_endpoint_requires_a_key_with_its_scope(service, keys):
    for (method, path), scope in CLOSED.items():
        none = service.http.request(method, path)
        wrong = service.http.request(method, path, headers=bearer("nonsense-éè".encode()))
        assert (none.status_code, wrong.status_code) == (401, 401), path
        assert none.headers["www-authenticate"] == "Bearer"
        for name in SCOPES:
            response = service.http.request(method, path, headers=bearer(keys[name]))
            expected = name == scope
            assert (response.status_code not in (401, 403)) == expected, (path, name)
            assert response.status_code < 500
    assert {*CLOSED.values()} | {scope for *_, scope in FLAGS} == set(SCOPES)
    for path in OPEN:
        assert service.http.get(path).status_code == 200


def grant(service, *scopes):
    """Add a key with some scopes, and return its secret when the service has loaded it."""
    name = "-".join(("granted", *scopes))
    api_keys, secret = ApiKeys.load(service.home.api_keys).with_new(name, scopes)
    api_keys.save(service.home.api_keys)
    headers = bearer(secret)
    assert service.eventually(
        lambda: service.http.get("/users/a", headers=headers).status_code != 401
    )
    return secret


FLAGS = [(e, flag, scope) for e in ENDPOINTS for flag, scope in e.parameter_scopes.items()]
OPERATIONS = [
    (name, op)
    for name, kind in EVENT_KINDS.items()
    if kind.sent_by_shop
    for op in get_args(get_type_hints(kind.record).get("op")) or (None,)
]


def event_of(kind, op, clock):
    """Return an event of a kind and operation, in canonical form."""
    declared = EVENT_KINDS[kind]
    ids = {name: f"scope-{name}" for name in declared.fields if name.endswith("_id")}
    values = {
        **ids,
        "kind": kind,
        "event_id": f"scope-{kind}-{op}",
        "event_time": clock.now(),
        "items": ["a"],
        "type": "click",
        "op": op,
    }
    others = {each.field for each in declared.conditions if op not in each.ops}
    names = {name for name in declared.readers if name in values} - others
    return {name: values[name] for name in values if name in names and values[name] is not None}


@pytest.fixture
def granted(service, keys):
    """Secrets by scopes: each scope alone, and the pairs that something needs."""
    pairs = {(endpoint.scope, scope) for endpoint, _, scope in FLAGS}
    pairs |= {("events", scope) for kind in EVENT_KINDS.values() for scope in kind.scopes.values()}
    return {(s,): keys[s] for s in SCOPES} | {pair: grant(service, *pair) for pair in pairs}


def test_a_flag_needs_the_scope_of_what_it_does(service, granted):
    assert {flag for _, flag, _ in FLAGS} >= {flag for e in ENDPOINTS for flag in e.flags}
    for endpoint, flag, scope in FLAGS:
        path = example_path(endpoint, endpoint.path)
        for scopes, secret in granted.items():
            answer = service.http.post(
                path, json={"items": [], "query": "a"}, params={flag: "1"}, headers=bearer(secret)
            )
            allowed = {endpoint.scope, scope} <= {*scopes}
            assert (answer.status_code != 403) == allowed, (path, flag, scopes, answer.text)


def test_an_event_needs_the_scope_of_what_it_does(service, granted):
    for kind, op in OPERATIONS:
        event = event_of(kind, op, service.clock)
        needed = {"events", EVENT_KINDS[kind].scopes.get(op, "events")}
        for scopes, secret in granted.items():
            answer = service.http.post("/events", json=[event], headers=bearer(secret))
            if needed <= {*scopes}:
                assert answer.json()["quarantined"] == [], (kind, op, answer.text)
            else:
                assert answer.status_code == 403, (kind, op, scopes)


def test_nothing_of_a_body_is_logged_where_one_event_is_not_allowed(service, granted):
    key = bearer(granted["events",])
    click, erasure = (
        {**event_of(kind, op, service.clock), "event_id": f"not-allowed-{kind}"}
        for kind, op in (("interaction", None), ("user", "erase"))
    )

    refused = service.http.post("/events", json=[click, erasure], headers=key)
    accepted = service.http.post("/events", json=click, headers=key)

    assert refused.status_code == 403
    assert accepted.json() == {"accepted": 1, "duplicate": 0, "quarantined": []}


def test_a_home_stores_no_secret_and_only_its_owner_reads_the_key_file(service, keys):
    stored = service.home.api_keys.read_text()

    assert not [secret for secret in keys.values() if secret in stored]
    assert service.home.api_keys.stat().st_mode & 0o077 == 0


def test_a_request_over_the_rate_is_429_with_retry_after(service, keys):
    answers = [service.http.get("/autocomplete", headers=bearer(keys["slow"])) for _ in range(4)]

    assert answers[0].status_code == 200
    rejected = [r for r in answers if r.status_code == 429]
    assert rejected
    assert {r.headers["retry-after"] for r in rejected} == {"1"}
    assert service.http.get("/autocomplete", headers=bearer(keys["answers"])).status_code == 200


def test_a_damaged_key_file_changes_no_access(service, keys):
    valid = service.home.api_keys.read_bytes()
    rejections = 'aisle_artifact_loads_total{kind="keys",outcome="refused"}'
    metrics = httpx.Client(base_url=service.url, headers=bearer(keys["metrics"]), trust_env=False)
    service.home.api_keys.write_bytes(b"{")
    assert service.eventually(lambda: rejections + " " in metrics.get("/metrics").text)

    assert service.http.get("/autocomplete").status_code == 401
    assert service.http.get("/autocomplete", headers=bearer(keys["answers"])).status_code == 200
    service.home.api_keys.write_bytes(valid)
    metrics.close()


def test_a_key_is_created_shown_once_and_revoked(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path))

    created = main(["key", "create", "shop", "--scope", "answers", "--rate", "50", "--json"])
    secret = json.loads(capsys.readouterr().out)["secret"]
    stored = ApiKeys.load(tmp_path / "api_keys.json")
    again = main(["key", "create", "shop", "--scope", "answers"])
    wrong = main(["key", "create", "other", "--scope", "everything"])
    listed = main(["key", "list", "--json"])
    output = capsys.readouterr().out
    revoked = main(["key", "revoke", "shop", "--json"])

    assert (created, again, wrong, listed, revoked) == (0, 1, 1, 0, 0)
    assert stored.holder(secret).name == "shop"
    assert stored.holder("x") is None
    assert secret not in output
    assert ApiKeys.load(tmp_path / "api_keys.json").keys == {}


def test_without_keys_the_service_is_bound_to_loopback_only(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")

    status = main(["serve", "--host", "0.0.0.0", "--port", "0"])

    assert status == 1
    assert "aisle key create" in capsys.readouterr().err


def test_every_answer_has_security_headers_and_no_origin_may_read_it(service):
    answers = [
        service.http.get("/"),
        service.rank(service.items, model="nonesuch"),
        service.http.post(
            "/search", json={"query": "red"}, headers={"Origin": "https://a.example"}
        ),
        service.http.options(
            "/search",
            headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"},
        ),
    ]

    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_an_overload_is_rejected_and_accepted_requests_are_answered(service):
    capacity = RUNNING_ANSWERS + WAITING_ANSWERS
    body = {"items": [{"id": f"flood-{n}"} for n in range(1000)]}
    start = threading.Barrier(4 * capacity)

    def ask(_):
        with httpx.Client(base_url=service.url, timeout=seconds(30), trust_env=False) as http:
            http.get("/livez")
            start.wait()
            return http.post("/rank/default", json=body)

    with ThreadPoolExecutor(4 * capacity) as crowd:
        answers = list(crowd.map(ask, range(4 * capacity)))

    rejected = [a for a in answers if a.status_code == 429]
    assert {a.status_code for a in answers} <= {200, 429}
    assert len(answers) - len(rejected) >= capacity
    assert rejected
    assert all(int(a.headers["retry-after"]) >= 1 for a in rejected)
    assert service.metric('aisle_in_flight{kind="answers"}') == 0
    assert service.rank(service.items).status_code == 200


def test_an_unfinished_body_takes_no_capacity(service):
    port = int(service.url.rpartition(":")[2])
    head = b"POST /rank/default HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for connection in idle:
        connection.sendall(head)

    assert service.rank(service.items).status_code == 200

    for connection in idle:
        connection.close()


def test_log_lines_are_json_without_personal_data(service):
    service.search("a query of a person", user="person-of-interest")
    service.rank(service.items, user="person-of-interest", timestamp="noon")
    lines = [line for line in service.output().splitlines() if line.startswith('{"at"')]

    assert lines
    assert {"at", "level", "logger", "message"} <= set(json.loads(lines[-1]))
    assert "person" not in service.output()


def test_only_allowed_origins_may_read_answers(shop, tmp_path):
    """Also, a terminated service loses no request of a client that follows `/readyz`."""
    origin = "https://shop.example"
    with run_service(
        shop, BENTOML_HOME=str(tmp_path), AISLE_CORS=origin, AISLE_DRAIN="2"
    ) as service:
        for sent, allowed in ((origin, origin), ("https://a.example", None)):
            answer = service.http.post("/search", json={}, headers={"Origin": sent})
            assert answer.headers.get("access-control-allow-origin") == allowed
        ended = threading.Event()
        with ThreadPoolExecutor(9) as crowd:
            watch = crowd.submit(until_not_ready, service.url, ended)
            senders = [
                crowd.submit(rank_until, service.url, ended, service.items) for _ in range(8)
            ]
            answered = 'aisle_answer_seconds_count{endpoint="rank"}'
            assert service.eventually(lambda: service.metric(answered) > len(senders))
            os.kill(service.process.pid, signal.SIGTERM)
            watch.result()
            answers = [status for sender in senders for status in sender.result()]

    assert len(answers) > len(senders)
    assert set(answers) == {200}


def until_not_ready(url, ended):
    """Poll `/readyz` as a load balancer does, and signal when the service is not ready."""
    with httpx.Client(base_url=url, trust_env=False) as http:
        while http.get("/readyz").status_code == 200:
            time.sleep(0.02)
    ended.set()


def rank_until(url, ended, items):
    """Return the statuses of repeated requests; a lost request raises an exception."""
    statuses, body = [], {"items": [{"id": item} for item in items]}
    with httpx.Client(base_url=url, timeout=seconds(20), trust_env=False) as http:
        while not ended.is_set():
            statuses.append(http.post("/rank/default", json=body).status_code)
    return statuses
