"""Reports of experiments from the log: what counts, the verdict, and what blocks it."""

import json

import pytest

from feature_repo.home import DAY, HOUR, MINUTE, Home, SettingError
from pipelines.cli.main import main
from pipelines.pages import experiment_html, experiment_markdown
from tests.training.experiment_analysis.experiment_log import (
    NAME,
    START,
    act,
    simulated_log,
    slate,
    write_log,
)
from training.experiment_analysis import METRICS, experiment_plan, experiment_report
from training.experiments import EXPERIMENTS_FILE, Experiments

TOML = f"""
[[experiment]]
name = "{NAME}"
unit = "user"
from = 2026-03-01T00:00:00Z
until = 2026-03-20T00:00:00Z

[[experiment.variant]]
name = "control"

[[experiment.variant]]
name = "candidate"
diversity = 0.5

[experiment.decision]
metric = "click_rate"
minimum_effect = 0.01
units = 400
guardrails = {{ degraded_share = 0.01 }}
"""


@pytest.fixture(scope="module")
def better_home(tmp_path_factory):
    """A log whose candidate has 1.5 times the clicks."""
    return simulated_log(Home(tmp_path_factory.mktemp("better") / "home"), rates=(0.1, 0.15))


@pytest.fixture
def declared(tmp_path):
    """Returns a function that reads the experiment from a file."""

    def read(text=TOML):
        path = tmp_path / "experiments.toml"
        path.write_text(text)
        return Experiments.load(path).get(NAME)

    return read


def test_outcomes_count_from_the_first_exposure_to_the_end_of_the_experiment(home, declared):
    events = [
        *slate("before", "u1", START - DAY, clicks=(1, 2)),
        act("p0", "u1", START - HOUR, type_="purchase", value=5.0),
        *slate("a", "u1", START + HOUR, variant="control", clicks=(2,), query="lamp"),
        *slate("b", "u1", START + DAY, variant="control", degraded=("hydrate",)),
        *slate("other", "u1", START + 2 * DAY, clicks=(5,)),
        act("p1", "u1", START + 2 * DAY, type_="purchase", value=20.0),
        act("p2", "u1", START + 3 * DAY, type_="purchase", value=9.0),
        act("x2", "u1", START + 3 * DAY + 1, type_="purchase", corrects="p2"),
        act("p3", "u1", START + 30 * DAY, type_="purchase", value=70.0),
        *slate("c", "u2", START + HOUR, variant="candidate"),
        *slate("d", "u2", START + 2 * HOUR, variant="control", clicks=(1,)),
        *slate("late", "u3", START + 25 * DAY, variant="control"),
    ]

    report = experiment_report(write_log(home, events), declared(), START + 40 * DAY)

    control, candidate = report["variants"]
    assert (control["units"], candidate["units"]) == (1, 1)
    assert (control["exposures"], control["impressions"], control["slate_clicks"]) == (2, 20, 1)
    assert (control["clicks"], control["orders"], control["revenue"]) == (2, 1, 20.0)
    assert (control["searches"], control["degraded"], control["clicked_slates"]) == (1, 1, 1)
    assert control["ndcg_sum"] == pytest.approx(1 / 1.584962500721156)
    assert (candidate["exposures"], candidate["slate_clicks"]) == (2, 1)
    assert report["switched_units"] == 1
    assert report["has_ended"]


def test_sessions_are_units_where_the_exposure_says_so(home, declared):
    session = {"variant": "candidate", "unit": "session", "session_id": "s1"}
    events = [
        *slate("a", None, START + HOUR, clicks=(1,), **session),
        *slate("b", "u1", START + 2 * HOUR, **session),
        act("p1", "u1", START + 3 * HOUR, type_="purchase", value=8.0, session_id="s1"),
        act("p2", "u1", START + 4 * HOUR, type_="purchase", value=5.0, session_id="s2"),
        *slate("c", "u2", START + HOUR, variant="control"),
    ]

    report = experiment_report(write_log(home, events), declared(), START + DAY)

    control, candidate = report["variants"]
    assert (control["units"], candidate["units"]) == (1, 1)
    assert (candidate["exposures"], candidate["slate_clicks"]) == (2, 1)
    assert (candidate["orders"], candidate["revenue"]) == (1, 8.0)


def test_answers_have_a_latency_and_units_the_device_of_their_first(home, declared):
    events = [
        *slate("a", "u1", START, variant="control", took_ms=4.0, device="mobile"),
        *slate("b", "u1", START + HOUR, variant="control", took_ms=6.0, device="desktop"),
        *slate("c", "u2", START, variant="candidate", took_ms=20.0),
        *slate("d", "u2", START + HOUR, variant="candidate"),
    ]

    report = experiment_report(write_log(home, events), declared(), START + DAY)

    (comparison,) = report["comparisons"]
    latency = comparison["metrics"]["latency"]
    assert (latency["control"], latency["treatment"]) == (5.0, 20.0)
    assert latency["change"]["value"] == pytest.approx(3.0)
    assert comparison["segments"]["device mobile"]["units"] == {"control": 1, "treatment": 0}
    assert "device desktop" not in comparison["segments"]


def test_a_slower_variant_is_stopped_by_its_guardrail(home, declared):
    events = [
        each
        for n in range(200)
        for each in slate(
            f"r{n}",
            f"u{n}",
            START + n * MINUTE,
            variant=("control", "candidate")[n % 2],
            took_ms=(5.0, 9.0)[n % 2] + n % 3,
        )
    ]
    guarded = declared(TOML.replace("degraded_share = 0.01", "latency = 0.1"))

    report = experiment_report(write_log(home, events), guarded, START + DAY)

    (comparison,) = report["comparisons"]
    assert comparison["verdict"]["decision"] == "stop"
    assert "inside the service is worse" in comparison["verdict"]["reason"]


def test_better_variant_is_shipped(better_home, declared):
    report = experiment_report(better_home, declared(), START + 5 * DAY)

    comparison = report["comparisons"][0]
    change = comparison["metrics"]["click_rate"]["change"]
    assert comparison["verdict"]["decision"] == "ship"
    assert change["low"] < 0.5 < change["high"]
    assert comparison["metrics"]["click_rate"]["variance_ratio"] < 0.8
    assert comparison["segments"]["warm units"]["units"] == {"control": 200, "treatment": 200}
    assert len(comparison["days"]) == 4
    assert report["triggered"] == {"units": 400, "of_units": 400}


def test_verdict_waits_for_a_proof_and_stops_without_one_at_the_end(home, declared):
    simulated_log(home, users=60)

    early = experiment_report(home, declared(), START + 5 * DAY)
    late = experiment_report(home, declared(), START + 40 * DAY)

    assert early["comparisons"][0]["verdict"]["decision"] == "go on"
    assert late["comparisons"][0]["verdict"]["decision"] == "stop"


def test_lost_answers_block_the_verdict_where_each_unit_has_some(home, declared):
    simulated_log(home, users=300, days=6, lost_answers=0.1)

    report = experiment_report(home, declared(), START + 20 * DAY)

    (comparison,) = report["comparisons"]
    assert not report["sample_ratio"]["is_mismatch"]
    assert comparison["exposures"]["change"] == pytest.approx(-0.1, abs=0.03)
    assert comparison["exposures"]["is_mismatch"]
    assert comparison["losses"]["treatment"] == pytest.approx(0.1, abs=0.03)
    assert comparison["verdict"]["decision"] == "blocked"
    assert "one of them loses answers" in comparison["verdict"]["reason"]
    assert "treated answers" in experiment_markdown(report)


def test_no_lost_answer_blocks_nothing(better_home, declared):
    losses = experiment_report(better_home, declared(), START + 5 * DAY)["comparisons"][0]["losses"]

    assert losses["control"] == losses["treatment"] == 0
    assert not losses["is_mismatch"]


def test_sample_ratio_mismatch_blocks_the_verdict(home, declared):
    simulated_log(home, users=600, days=1, rates=(0.1, 0.3), lost=0.4)

    report = experiment_report(home, declared(), START + 5 * DAY)

    assert report["sample_ratio"]["is_mismatch"]
    assert report["comparisons"][0]["verdict"]["decision"] == "blocked"


def test_violated_guardrail_stops_the_better_variant(home, declared):
    events = []
    for n in range(300):
        variant = ("control", "candidate")[n % 2]
        failed = {"degraded": ("hydrate",)} if n % 2 else {}
        clicks = (1, 2, 3) if n % 2 else (1,)
        at = START + n * MINUTE
        events += slate(f"q{n}", f"u{n}", at, variant=variant, clicks=clicks, **failed)
    write_log(home, events)

    verdict = experiment_report(home, declared(), START + DAY)["comparisons"][0]["verdict"]

    assert verdict["decision"] == "stop"
    assert "failed stage" in verdict["reason"]


def test_experiment_without_exposures_has_a_report(home, declared):
    write_log(home, slate("a", "u1", START))

    report = experiment_report(home, declared(), START + DAY)

    assert report["exposed"] is None
    assert report["comparisons"][0]["verdict"]["decision"] == "go on"
    json.dumps(report, allow_nan=False)


def test_pages_have_the_verdict_and_load_nothing(better_home, declared):
    report = experiment_report(better_home, declared(), START + 5 * DAY)

    page, text = experiment_html(report), experiment_markdown(report)

    assert "candidate: SHIP." in page
    assert "candidate: SHIP." in text
    assert "<script" not in page
    assert "src=" not in page
    assert "<h1>Experiment new-ranker</h1>" in page


def test_verb_prints_the_report_and_writes_its_pages(better_home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(better_home.root))
    (better_home.root / EXPERIMENTS_FILE).write_text(TOML)
    page, text = tmp_path / "report.html", tmp_path / "report.md"

    statuses = [
        main(["experiment", "report", NAME, "--html", str(page), "--markdown", str(text)]),
        main(["experiment", "plan", "--days", "20"]),
        main(["experiment", "report", "unheard-of"]),
    ]

    assert statuses == [0, 0, 1]
    printed = capsys.readouterr()
    assert "candidate: SHIP." in printed.out
    assert NAME in printed.err
    assert page.read_text().startswith("<!doctype html>")
    assert text.read_text().startswith("# Experiment new-ranker")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('metric = "click_rate"', 'metric = "joy"', "click_rate"),
        ("minimum_effect = 0.01", "minimum_effect = 3", "from 0 to 1"),
        ("degraded_share", "joy", "guardrails"),
    ],
)
def test_wrong_decision_rules_are_refused(home, declared, old, new, message):
    with pytest.raises(SettingError, match=message):
        experiment_report(home, declared(TOML.replace(old, new)), START)


def test_plan_says_how_many_units_and_days_an_effect_needs(better_home):
    plan = experiment_plan(better_home, METRICS["click_rate"], until=START, days=4)

    needed = {row["effect"]: row["units"] for row in plan["effects"]}
    assert plan["units"] == 400
    assert plan["baseline"] == pytest.approx(0.1, rel=0.1)
    assert needed[0.01] == pytest.approx(needed[0.1] * 100)
