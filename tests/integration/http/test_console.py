"""The pages of the console show a home as data: tables with twins, and states in words."""

import csv
import io
import json
import re
import shutil
from html import unescape
from urllib.parse import parse_qsl

import pytest

from feature_repo.events.contract import InteractionEvent, ServedEvent, ShownItem
from feature_repo.events.log import EventLog
from feature_repo.home import (
    MINUTE,
    Clock,
    Home,
    Settings,
    to_text,
)
from pipelines.cli.main import main
from pipelines.console.pages import PAGES
from pipelines.console.pages.overview.event_counts import events_by_minute
from pipelines.declarations import PARITY
from pipelines.steps import PARITY_FILE, RUN_REPORTS
from pipelines.steps.run_reports import report
from tests.integration.http.consoles import ADDRESSES, HOSTILE, console_client
from training.artifacts import publish_version
from training.gate import Verdict
from training.gate.result import GuardrailResult

TABLE = re.compile(r'<div class="wide"[^>]* id="([^"]+)">(.*?)</table>', re.DOTALL)
CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)

EXPERIMENT = """
[[experiment]]
name = "order"
[[experiment.variant]]
name = "control"
[[experiment.variant]]
name = "other"
diversity = 0.5
"""

VIEW = "item_engagement"

LOCAL_RUN = "retrain-2026-01-05-00-00-00-000000"

CHANGING = ("findings", "freshness", "views")
"""Tables whose ages and clock change between two requests: only the row's heading is compared."""


@pytest.fixture
def empty_console(home):
    with console_client(Settings(home=home)) as client:
        yield client


def shown_tables(page):
    """Return the rows of each table of a page as it shows them, by key."""
    return {
        key: [
            [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in CELL.findall(row)]
            for row in table.split("<tr>")[2:]
        ]
        for key, table in TABLE.findall(page)
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_a_page_of_an_empty_home_says_what_is_missing(empty_console, page):
    answer = empty_console.get(f"/{page.path}")

    assert answer.status_code in (200, 400, 404, 503)
    assert "<h1>" in answer.text
    assert "Error" not in re.sub(r"<[^>]+>", "", answer.text)


def test_a_visit_does_not_start_the_clock_of_a_new_home(empty_console, home):
    empty_console.get("/")

    assert not home.clock.exists()


@pytest.mark.parametrize("name", ADDRESSES)
def test_each_table_has_twins_with_its_rows(console, name):
    path, _, query = ADDRESSES[name].partition("?")
    parameters = dict(parse_qsl(query))
    answer = console.get(path, params=parameters)

    assert answer.status_code == 200, answer.text
    tables = shown_tables(answer.text)
    twins = console.get(f"{path}.json", params=parameters).json()
    assert tables.keys() <= twins.keys()
    for key, rows in tables.items():
        of_table = parameters | {"table": key}
        twin = console.get(f"{path}.json", params=of_table).json()
        text = console.get(f"{path}.csv", params=of_table).text
        lines = list(csv.DictReader(io.StringIO(text)))
        assert len(twin["rows"]) == len(lines)
        assert len(rows) == len(lines) or f"first {len(rows)} of {len(lines)} rows" in answer.text
        shown = zip(rows, twin["rows"][: len(rows)], lines[: len(rows)], strict=True)
        for row, values, line in shown:
            assert list(values) == list(twin["columns"]) == list(line)
            if key in CHANGING:
                assert row[:1] == [*values.values()][:1] == [*line.values()][:1]
                continue
            texts = [(n, v) for n, v in enumerate(values.values()) if isinstance(v, str)]
            assert [row[n] for n, _ in texts] == [value.strip() for _, value in texts]
            assert [*line.values()] == ["" if v is None else str(v) for v in values.values()]


def test_a_heading_sorts_its_table_up_and_then_down(console):
    twin = {"table": "events", "sort": "events.interaction"}
    up = [row["interaction"] for row in console.get("/overview.json", params=twin).json()["rows"]]
    page = console.get("/", params={"sort": "events.interaction"}).text
    down = console.get("/overview.json", params={**twin, "sort": "events.-interaction"}).json()

    assert up == sorted(up)
    assert len(up) > 2
    assert [row["interaction"] for row in down["rows"]] == up[::-1]
    assert 'aria-sort="ascending"' in page
    assert "sort=events.-interaction" in page


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/overview?sort=events.nothing", 400),
        ("/overview?sort=events", 400),
        ("/overview.csv", 400),
        ("/overview.csv?table=nothing", 400),
        ("/nothing", 404),
        ("/static/..%2Fserver.py", 404),
        ("/static/nothing.css", 404),
    ],
)
def test_a_wrong_address_is_answered_in_words(console, address, status):
    answer = console.get(address)

    assert answer.status_code == status
    assert "xpected" in answer.text or "no such page" in answer.text


@pytest.mark.parametrize("host", ["shop.example", "127.0.0.1.shop.example", ""])
def test_a_page_of_another_host_gets_nothing(console, host):
    answer = console.get("/", headers={"host": host})

    assert answer.status_code == 403
    assert "<html" not in answer.text


def test_the_console_only_reads(console):
    assert {console.request(method, "/").status_code for method in ("POST", "PUT", "DELETE")} == {
        405
    }


def test_the_console_is_not_bound_to_addresses_of_other_machines(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("AISLE_HOME", str(Home(tmp_path / "home").root))

    assert main(["console", "--host", "0.0.0.0"]) == 1
    assert "expected a loopback address" in capsys.readouterr().err


def test_the_overview_says_that_the_service_is_away_and_how_to_start_it(console):
    page = console.get("/").text

    assert "The service is away." in page
    assert "`aisle serve`" in page
    assert "What `aisle doctor` finds" in unescape(page)


@pytest.fixture
def hostile_console(home, tmp_path):
    """A console whose home has hostile texts in rankers, runs, experiments and parity."""
    build = tmp_path / "ranker"
    build.mkdir()
    figures = {"value": 0.5, "low": 0.4, "high": 0.6}
    part = {"name": HOSTILE, "rankings": 3, "ranker": figures, "difference": figures}
    card = {
        "metrics": {HOSTILE: figures},
        "slices": [part],
        "reference": HOSTILE,
        "limits": [HOSTILE],
    }
    (build / "model_card.json").write_text(json.dumps(card))
    failed = GuardrailResult.of(HOSTILE, False, HOSTILE, 0.031, 0.02)
    Verdict.of("m", (failed,), compared_with=HOSTILE, margin=0.0, force=False).save(build)
    for _ in range(2):
        publish_version(home, "default", build, {"columns": [HOSTILE]}, reason=HOSTILE, use=True)
    report(home, None, HOSTILE, "FAILED", HOSTILE)
    steps = home.root / RUN_REPORTS / "run-1"
    steps.mkdir(parents=True)
    (steps / "train.json").write_text(json.dumps({"text": HOSTILE}))
    step = home.root / "kubeflow" / "runs" / LOCAL_RUN / "train-ranker"
    step.mkdir(parents=True)
    artifact = {"name": HOSTILE, "uri": str(build), "metadata": {"sha256": HOSTILE}}
    done = {"artifacts": {"ranker": {"artifacts": [artifact]}}}
    (step / "executor_output.json").write_text(json.dumps(done))
    (step.parent / "evaluate-ranker").mkdir()
    parity = home.root / PARITY.path / PARITY_FILE
    parity.parent.mkdir(parents=True, exist_ok=True)
    names = ("feature", "request", "logged", "computed", "cause")
    mismatch = dict.fromkeys(names, HOSTILE) | {"times": 1}
    counts = {"requests": 1, "features": 1, "in_flight": 0}
    parity.write_text(json.dumps({"mismatches": [mismatch], **counts}))
    with console_client(Settings(home=home)) as client:
        yield client


@pytest.mark.parametrize(
    "address",
    [
        "/models",
        "/model",
        "/comparison",
        "/pipelines",
        "/run?run=run-1",
        f"/run?run={LOCAL_RUN}",
        "/parity",
    ],
)
def test_hostile_texts_of_the_home_are_escaped(hostile_console, address):
    answer = hostile_console.get(address)

    assert answer.status_code == 200, answer.text
    assert "<img" not in answer.text
    assert "<script>" not in answer.text
    assert HOSTILE in unescape(answer.text)


@pytest.fixture(scope="module")
def bare_console(shop, tmp_path_factory):
    """The console of a copy of the home with an experiment, without Redis, rankers and service."""
    folder = tmp_path_factory.mktemp("bare") / "home"
    ignored = shutil.ignore_patterns("redis", "bentoml", "artifacts", "current")
    shutil.copytree(shop.home.root, folder, ignore=ignored)
    (folder / "experiments.toml").write_text(EXPERIMENT)
    with console_client(Settings(home=Home(folder))) as client:
        yield client


def test_without_redis_an_entity_has_its_offline_features_and_the_page_says_why(bare_console):
    page = bare_console.get("/entity?of=item:i00001").text
    rows = bare_console.get("/entity.json?of=item:i00001&table=features").json()["rows"]

    assert "Redis is away" in page
    assert "`aisle redis start`" in page
    assert "differ online" not in page
    assert {row["online"] for row in rows} == {None}
    assert any(row["offline"] not in ("0", "no value") for row in rows)


def test_without_the_service_the_explorer_says_how_to_start_it(bare_console):
    page = bare_console.get("/explorer?q=red").text

    assert "The service has no answer." in page
    assert "`aisle serve`" in page


def test_the_report_of_an_experiment_has_its_verdict_and_figures(bare_console):
    listed = bare_console.get("/experiments.json?table=experiments").json()["rows"]
    page = bare_console.get("/experiment?name=order").text
    tables = bare_console.get("/experiment.json?name=order").json()
    unknown = bare_console.get("/experiment?name=nothing")

    assert [(one["experiment"], one["variants"]) for one in listed] == [("order", "control, other")]
    assert "other: GO ON." in page
    assert [row["c1"] for row in tables["table-1"]["rows"]] == ["control", "other"]
    assert unknown.status_code == 400
    assert "expected one of experiments.toml: order" in unescape(unknown.text)


def test_events_of_the_last_hour_are_counted_by_minute_before_and_after_compaction(home):
    clock = Clock.of(Settings(home=home, clock="2026-01-05T12:00:30Z"))
    log = EventLog(home, clock)
    events = [
        InteractionEvent(event_id=f"e{n}", event_time=clock.now(), item_id="i", type="click")
        for n in range(3)
    ]
    (first, *_) = log.writer().append(events[:2])
    minute, now = to_text(first.received_at)[11:16], first.received_at

    live = events_by_minute(home, clock, now)
    log.seal()
    log.compact()
    log.writer().append(events[2:])
    both = events_by_minute(home, clock, now + 30 * MINUTE)
    later = events_by_minute(home, clock, now + 70 * MINUTE)

    assert len(live) == len(both) == len(later) == 60
    assert (live[minute], sum(live.values())) == (2, 2)
    assert sum(both.values()) == 3
    assert both[minute] >= 2
    assert sum(later.values()) == 0


def test_an_answer_of_an_earlier_time_is_shown_as_it_was_given(home):
    clock = Clock.of(Settings(home=home, clock="2026-01-05T12:00:00Z"))
    log = EventLog(home, clock)
    answers = [
        ServedEvent(
            event_id=f"served-{n}",
            event_time=clock.now(),
            request_id=f"r{n}",
            user_id=user,
            surface="search",
            query="red shoes",
            items=(ShownItem(f"i{n}", score=0.5), ShownItem("i9", score=0.25)),
        )
        for n, user in enumerate(("u1", "u2"))
    ]
    log.writer().append(answers)
    log.seal()
    log.compact()
    with console_client(Settings(home=home)) as client:
        listed = client.get("/explorer.json?table=earlier&user=u2").json()["rows"]
        early = client.get("/explorer.json?table=earlier&at=2026-01-05T11:00:00Z").json()["rows"]
        order = client.get("/explorer.json?table=order&request=r1").json()["rows"]
        page = unescape(client.get("/explorer?request=r1").text)
        unknown = client.get("/explorer?request=nothing")

    assert [row["request"] for row in listed] == ["r1"]
    assert early == []
    assert [(row["item"], row["score"]) for row in order] == [("i1", 0.5), ("i9", 0.25)]
    assert 'on the surface search for "red shoes" to user u2' in page
    assert unknown.status_code == 400


def test_a_run_shows_the_report_of_each_step(hostile_console):
    steps = hostile_console.get("/run.json?run=run-1&table=steps").json()["rows"]

    assert [row["step"] for row in steps] == ["train"]
    assert hostile_console.get("/run?run=../runs").status_code == 400


def test_a_run_of_the_local_runner_shows_steps_with_times_and_artifacts(hostile_console):
    (listed,) = hostile_console.get("/pipelines.json?table=local").json()["rows"]
    tables = hostile_console.get(f"/run.json?run={LOCAL_RUN}").json()

    (step,), (artifact,) = tables["steps"]["rows"], tables["artifacts"]["rows"]
    assert (listed["run"], listed["steps"], listed["ended"]) == (LOCAL_RUN, 2, 1)
    assert (step["step"], step["artifacts"]) == ("train_ranker", 1)
    assert step["seconds"] == listed["seconds"] > 0
    assert artifact["bytes"] > 0
    assert (artifact["artifact"], artifact["sha256"]) == (HOSTILE, HOSTILE)


def test_the_pipelines_link_to_kubeflow_where_it_is_configured(home):
    url = "https://kubeflow.example/pipelines"
    with console_client(Settings(home=home)) as plain:
        assert "Kubeflow" not in plain.get("/pipelines").text
    with console_client(Settings(home=home, kubeflow=url)) as client:
        assert f'href="{url}"' in client.get("/pipelines").text


def test_a_parity_that_failed_names_the_features_and_how_to_compare_again(hostile_console):
    page = unescape(hostile_console.get("/parity").text)

    assert "1 features differ" in page
    assert "`aisle verify`" in page


def test_a_page_does_not_wait_for_slow_figures_and_its_twins_do(shop):
    with console_client(shop, wait=0.0) as hasty:
        early = hasty.get("/day").text
        rows = hasty.get("/day.json?table=figures").json()["rows"]
        later = hasty.get("/day").text

    assert "are being computed" in early
    assert 'hx-target="#main"' in early
    assert len(rows) == 8
    assert "are being computed" not in later
    assert rows[0]["day"] in later


def test_the_lineage_of_a_view_goes_from_events_to_the_rankers_that_read_it(console):
    rows = console.get(f"/feature.json?view={VIEW}&table=lineage").json()["rows"]
    named = {(row["what"], row["name"]) for row in rows}

    assert {("events", "interaction"), ("view", VIEW), ("feature service", "ranking_v1")} <= named
    assert (rows[0]["what"], rows[-1]["what"]) == ("events", "ranker")
