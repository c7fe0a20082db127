"""The report of an interleaving from the log: what counts as a win, and the verdict."""

import json

import numpy as np
import pytest

from feature_repo.events.contract import InteractionEvent, ServedEvent, ShownItem
from feature_repo.home import DAY, HOUR, MINUTE, Home, SettingError
from pipelines.cli.main import main
from pipelines.pages import experiment_html, experiment_markdown
from tests.training.experiment_analysis.experiment_log import START, write_log
from training.experiment_analysis import decide_experiments, experiment_report
from training.experiments import EXPERIMENTS_FILE, Experiments, team_draft

NAME = "two-rankers"
TOML = f"""
[[experiment]]
name = "{NAME}"
kind = "interleaving"
unit = "session"
from = 2026-03-01T00:00:00Z
until = 2026-03-20T00:00:00Z
variant = [{{ name = "control" }}, {{ name = "candidate", model = "candidate" }}]

[experiment.decision]
units = 200
minimum_effect = 0.02
"""
ITEMS = [f"i{n}" for n in range(6)]


def page(request, session, at, teams, *, seed=None, clicks=(), unit="session", **changes):
    """Return an interleaved answer, and clicks on positions from 1."""
    items = tuple(ShownItem(item, propensity=0.5) for item in ITEMS[: len(teams)])
    shared = {"request_id": request, "session_id": session, **changes}
    return [
        ServedEvent(
            event_id=f"s{request}",
            event_time=at,
            experiments={NAME: ("interleaved", unit)},
            items=items,
            teams=tuple({"-": "control", "+": "candidate", "0": ""}[team] for team in teams),
            seed=seed,
            **shared,
        ),
        *(
            InteractionEvent(
                event_id=f"c{request}-{position}",
                event_time=at + MINUTE + position,
                item_id=ITEMS[position - 1],
                type="click",
                **shared,
            )
            for position in clicks
        ),
    ]


def simulated_pages(sessions, strength, *, lost=0.0):
    """Return pages of sessions that click items of the candidate more often.

    Args:
        strength: share of clicks that a better item gets more.
        lost: share of the pages that begin with an item of the candidate and are not logged.
    """
    rng = np.random.default_rng(3)
    events = []
    for n in range(sessions):
        draft = team_draft((range(6), [5, 3, 4, 1, 2, 0]), 6, n)
        teams = "".join({None: "0", 0: "-", 1: "+"}[side] for side in draft.sides)
        rates = [0.2 + strength * (team == "+") for team in teams]
        clicks = (1 + np.flatnonzero(rng.random(6) < rates)).tolist()
        if teams[0] == "+" and rng.random() < lost:
            continue
        at = START + n * 20 * MINUTE
        events += page(f"r{n}", f"v{n}", at, teams, seed=n, clicks=clicks)
    return events


@pytest.fixture(scope="module")
def better_home(tmp_path_factory):
    """A log of sessions that prefer the candidate."""
    home = Home(tmp_path_factory.mktemp("interleaved") / "home")
    return write_log(home, simulated_pages(300, 0.2))


@pytest.fixture
def declared(tmp_path):
    """Returns a function that reads the experiment from a file."""

    def read(text=TOML):
        path = tmp_path / EXPERIMENTS_FILE
        path.write_text(text)
        return Experiments.load(path).get(NAME)

    return read


def test_clicks_credit_the_variant_of_their_position(home, declared):
    late = START + 25 * DAY
    events = [
        *page("a", "s1", START + HOUR, "+-0-", clicks=(1, 3)),
        *page("b", "s1", START + 2 * HOUR, "-+", clicks=(2,)),
        *page("c", "s2", START + DAY, "-+", clicks=(1, 2)),
        *page("d", "s3", START + DAY, "-+", clicks=(1,)),
        *page("e", "s4", START + DAY, "00", clicks=(1, 2)),
        *page("f", "s5", late, "-+", clicks=(2,)),
        *page("g", "s6", START + DAY, "+-", clicks=(1,)),
        InteractionEvent(
            event_id="x",
            event_time=START + DAY + HOUR,
            item_id=ITEMS[0],
            type="click",
            corrects="cg-1",
        ),
    ]

    report = experiment_report(write_log(home, events), declared(), START + 10 * DAY)

    (one,) = report["comparisons"]
    assert (one["units"], one["exposures"]) == (5, 6)
    assert (one["wins"], one["losses"], one["ties"]) == (1, 1, 3)
    assert (one["clicks"], one["candidate_clicks"], one["control_clicks"]) == (8, 3, 2)
    assert one["days"]["2026-03-01"]["wins"] == 1
    assert one["surplus"]["value"] == 0


def test_a_unit_is_a_user_where_the_exposure_says_so(home, declared):
    events = [
        *page("a", "s1", START + HOUR, "+-", clicks=(1,), unit="user", user_id="u"),
        *page("b", "s2", START + DAY, "+-", clicks=(1,), unit="user", user_id="u"),
    ]

    report = experiment_report(write_log(home, events), declared(), START + 2 * DAY)

    assert report["comparisons"][0]["units"] == 1


def test_the_better_ranker_is_shipped_by_a_refresh(better_home, declared):
    report = experiment_report(better_home, declared(), START + 8 * DAY)
    (better_home.root / EXPERIMENTS_FILE).write_text(TOML + "automatic = true\n")

    decisions = decide_experiments(better_home, START + 8 * DAY)

    assert report["comparisons"][0]["verdict"]["decision"] == "ship"
    assert (decisions[NAME].outcome, decisions[NAME].variant) == ("ship", "candidate")


def test_the_worse_ranker_is_stopped(better_home, declared):
    turned = TOML.replace('"control" }', '"x" }').replace('"candidate",', '"control",')
    turned = turned.replace('"x" }', '"candidate" }')

    report = experiment_report(better_home, declared(turned), START + 8 * DAY)

    assert report["comparisons"][0]["verdict"]["decision"] == "stop"


def test_without_a_proof_the_experiment_goes_on_until_its_end(home, declared):
    write_log(home, simulated_pages(60, 0.0))

    early = experiment_report(home, declared(), START + 5 * DAY)
    late = experiment_report(home, declared(), START + 40 * DAY)

    assert early["comparisons"][0]["verdict"]["decision"] == "go on"
    assert late["comparisons"][0]["verdict"]["decision"] == "stop"


def test_pages_that_are_lost_by_who_began_block_the_verdict(home, declared):
    write_log(home, simulated_pages(600, 0.2, lost=0.4))

    report = experiment_report(home, declared(), START + 9 * DAY)

    assert report["first_position"]["is_mismatch"]
    assert report["comparisons"][0]["verdict"]["decision"] == "blocked"


def test_pages_of_one_draw_count_once_in_the_test_of_the_coin(home, declared):
    events = [
        event for n in range(40) for event in page(f"r{n}", "s", START + n * MINUTE, "+-", seed=7)
    ]

    report = experiment_report(write_log(home, events), declared(), START + DAY)

    assert report["first_position"]["candidate"] == 1
    assert not report["first_position"]["is_mismatch"]


def test_an_interleaving_without_exposures_has_a_report(home, declared):
    events = page("a", "s1", START - DAY, "+-")

    report = experiment_report(write_log(home, events), declared(), START + DAY)

    assert report["exposed"] is None
    assert report["comparisons"][0]["verdict"]["decision"] == "go on"
    json.dumps(report, allow_nan=False)
    assert "nothing was treated" in experiment_html(report)


def test_pages_have_the_verdict_and_load_nothing(better_home, declared):
    report = experiment_report(better_home, declared(), START + 8 * DAY)

    html, markdown = experiment_html(report), experiment_markdown(report)

    assert "candidate: SHIP." in html
    assert "candidate: SHIP." in markdown
    assert "| all units | 300 |" in markdown
    assert "<svg" in html
    assert "<script" not in html


def test_the_verb_prints_the_report(better_home, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(better_home.root))
    (better_home.root / EXPERIMENTS_FILE).write_text(TOML)

    assert main(["experiment", "report", NAME]) == 0

    assert "candidate: SHIP." in capsys.readouterr().out


def test_a_rule_of_an_ab_test_is_refused(home, declared):
    write_log(home, page("a", "s1", START, "+-"))

    with pytest.raises(SettingError, match="expected only minimum_effect, units, automatic"):
        experiment_report(home, declared(TOML + 'metric = "click_rate"\n'), START + DAY)
