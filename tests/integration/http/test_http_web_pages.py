"""Without keys, no web page of another origin reads or writes; nothing names a path."""

import json

import pytest

from tests.integration.http.test_http_recovery import full_disk

FOREIGN_HOSTS = [
    "shop.example",
    "shop.example:3000",
    "127.0.0.1.shop.example",
    "localhost.shop.example",
    "[::2]:3000",
    "10.0.0.1",
    "0.0.0.0",
    "a@localhost",
    "",
]
FOREIGN = {
    "an origin": {"Origin": "https://shop.example"},
    "a hidden origin": {"Origin": "null"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "the same site": {"Sec-Fetch-Site": "same-site"},
}
FORMS = ["text/plain", "TEXT/PLAIN;charset=utf-8", "multipart/form-data; boundary=a"]
CURL = "application/x-www-form-urlencoded"


def click(service, name, **headers):
    body = {
        "kind": "interaction",
        "event_id": name,
        "event_time": service.clock.now(),
        "item_id": "a",
        "type": "click",
    }
    return service.http.post("/events", content=json.dumps(body), headers=headers)


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/users/u00001", "/features", "/metrics"])
def test_a_foreign_host_reads_nothing(service, host, path):
    answer = service.http.get(path, headers={"Host": host})

    assert answer.status_code in (400, 403)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.1.2.3:1", "[::1]:3"]
)
def test_a_host_of_this_machine_is_answered(service, host):
    assert service.http.get("/features", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("name", FOREIGN)
def test_a_page_of_another_origin_writes_nothing(service, name):
    accepted = 'aisle_events_total{outcome="accepted"}'
    before = service.metric(accepted)

    answers = [
        click(service, f"page-{name}", **FOREIGN[name]),
        click(service, f"form-{name}", **FOREIGN[name], **{"Content-Type": CURL}),
        service.http.delete("/users/page", headers=FOREIGN[name]),
        service.http.post("/rank/default?shown=1", json={"items": []}, headers=FOREIGN[name]),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert service.metric(accepted) == before


@pytest.mark.parametrize("type_", FORMS)
def test_a_form_writes_nothing(service, type_):
    assert click(service, f"form-{type_}", **{"Content-Type": type_}).status_code == 415


@pytest.mark.parametrize("type_", ["application/json", "application/x-ndjson", CURL, None])
def test_a_client_that_is_no_page_writes(service, type_):
    headers = {"Content-Type": type_} if type_ else {}

    assert click(service, f"client-{type_}", **headers).status_code == 200


def test_no_error_and_no_log_line_has_a_path_of_the_home(service):
    with full_disk(service):
        unavailable = click(service, "without-a-path")
    errors = [unavailable, service.http.get("/nowhere"), service.rank([], model="../../etc")]

    assert unavailable.status_code == 503
    assert not [error for error in errors if str(service.home.root) in error.text]
    lines = [line for line in service.output().splitlines() if line.startswith('{"at"')]
    assert not [line for line in lines if str(service.home.root) in line]


def test_an_answer_names_a_hundred_findings_and_counts_all(service):
    answer = service.http.post("/events", content=b"[" + b"1," * 5_000 + b"{}]")

    content = answer.json()
    assert len(content["quarantined"]) == 100
    assert content["quarantined_count"] == 5_001
    assert sum(content["reasons"].values()) == 5_001
    assert len(answer.content) < 20_000
    assert service.metric('aisle_events_total{outcome="quarantined"}') >= 5_001


def test_made_up_names_of_fields_do_not_grow_an_answer(service):
    events = [{"kind": "item", f"{n}-{'x' * 2000}": 1} for n in range(400)]

    answer = service.http.post("/events", json=events)

    assert answer.json()["quarantined_count"] == 400
    assert len(answer.content) < 100_000
