"""Answers of the log: their probabilities and clicks, and why some cannot be evaluated."""

import json

import numpy as np
import pytest
from msgspec.structs import replace

from feature_repo.events.contract import RankingEvent, ServedEvent, ShownItem
from feature_repo.home import DAY, MINUTE, Home, to_text
from pipelines.cli.main import main
from pipelines.pages import off_policy_html, off_policy_markdown
from serving.ranking import explore
from tests.training.experiment_analysis.experiment_log import START, act, write_log
from training.off_policy import Answers, Ordered, off_policy_report
from training.off_policy.answers import NOT_SHOWN, OTHER_ORDER, OTHER_PROPENSITY
from training.rules import Exploration

ITEMS = [f"i{n:02d}" for n in range(8)]
SIZE, SLATES = 3, 900
END = START + DAY
CLICK_RATE = 0.4
BEST = ITEMS[0]


def answer(number, *, plan, pinned=frozenset()):
    """Return the events of an answer that was explored, and of its slate."""
    explored = explore(list(range(len(ITEMS))), ITEMS, SIZE, plan, number, pinned)
    draw = explored.draw
    page, rest = explored.order[:SIZE], explored.order[SIZE:]
    items = tuple(
        ShownItem(ITEMS[n], draw.scores.get(n, -0.3), explored.propensities.get(n, 1.0))
        for n in page
    )
    shared = {
        "request_id": str(number),
        "user_id": f"u{number // 2}",
        "event_time": START + number * MINUTE,
        "temperature": draw.temperature,
        "seed": draw.seed,
        "surface": "home",
    }
    served = ServedEvent(
        event_id=f"s{number}", items=items, considered=tuple(ITEMS[n] for n in rest), **shared
    )
    ranking = RankingEvent(event_id=f"k{number}", items=items, **shared)
    return served, ranking


PAGES, SLOTS = Exploration(share=1.0, temperature=1.0), Exploration(share=0.5, slots=(2,))


@pytest.fixture(scope="module")
def drawn_home(tmp_path_factory):
    """Slates of drawn pages with a pinned item; some shoppers click the best item."""
    rng, events = np.random.default_rng(4), []
    for number in range(SLATES):
        served, ranking = answer(number, plan=PAGES, pinned=frozenset([1]))
        events += [served, ranking]
        if BEST in {item.item_id for item in ranking.items} and rng.random() < CLICK_RATE:
            events.append(act(f"c{number}", ranking.user_id, ranking.event_time + 1, item=BEST))
    return write_log(Home(tmp_path_factory.mktemp("drawn") / "home"), events)


def offline(home, capsys, monkeypatch, policy, *options):
    """Run the verb; return its status and the JSON that it prints."""
    monkeypatch.setenv("AISLE_HOME", str(home.root))
    monkeypatch.setenv("AISLE_CLOCK", to_text(END))
    status = main(["experiment", "offline", "--policy", policy, "--json", *options])
    return status, json.loads(capsys.readouterr().out)


def test_the_logging_policy_has_the_clicks_of_the_log(drawn_home, capsys, monkeypatch):
    status, report = offline(drawn_home, capsys, monkeypatch, "logging")

    assert status == 0
    assert report["slates"] == SLATES
    assert report["skipped"] == {}
    assert report["estimate"]["value"] == report["observed"]["value"]
    assert report["observed"]["value"] == report["rewards"] / SLATES
    assert report["change"]["low"] == report["change"]["high"] == 0
    assert report["disagreements"] == []


def test_probabilities_of_a_page_over_all_draws_keep_pinned_items(drawn_home):
    slates = Answers.read(drawn_home, START, END).slates

    pinned = slates.items == 1
    assert pinned.sum(axis=1).tolist() == [1] * SLATES
    assert (slates.marginal[pinned] == 1).all()
    # Each item that is drawn in a slot is weighed by its probability there: the mean is the number
    # of items that can be there.
    for slot in np.flatnonzero(~pinned[0]):
        assert np.mean(1 / slates.marginal[:, slot]) == pytest.approx(7, rel=0.15)


def test_a_policy_without_the_pinned_item_has_too_little_overlap(drawn_home, capsys, monkeypatch):
    status, report = offline(drawn_home, capsys, monkeypatch, "uniform")

    assert status == 0
    assert report["estimate"] is None
    assert report["refusal"].startswith("The log shows only ")


def test_an_order_is_estimated_by_its_value(drawn_home):
    answers = Answers.read(drawn_home, START, END)
    orders = {"best first": ITEMS, "best last": [ITEMS[2], ITEMS[1], *ITEMS[3:], BEST]}

    reports = {
        name: off_policy_report(answers.slates, Ordered(answers.numbered([order] * SLATES)))
        for name, order in orders.items()
    }

    first = reports["best first"]["estimate"]
    assert first["low"] < CLICK_RATE < first["high"]
    assert reports["best last"]["refusal"] is not None


def test_answers_that_cannot_be_evaluated_are_counted_by_reason(home):
    plain = answer(0, plan=PAGES)
    not_shown = answer(1, plan=PAGES)[:1]
    served, ranking = answer(2, plan=PAGES)
    turned = served, replace(ranking, items=ranking.items[::-1])
    wrong, shown = answer(3, plan=PAGES)
    first = replace(wrong.items[0], propensity=0.5 * wrong.items[0].propensity)
    wrong = replace(wrong, items=(first, *wrong.items[1:]))
    slots = answer(4, plan=SLOTS)
    drafted, its_slate = answer(5, plan=SLOTS)
    drafted = replace(drafted, teams=("control", "", "candidate"))
    events = [*plain, *not_shown, *turned, wrong, shown, *slots, drafted, its_slate]

    answers = Answers.read(write_log(home, events), START, END)

    assert [each.request_id for each in answers.answers] == ["0", "4"]
    assert answers.skipped == {NOT_SHOWN: 1, OTHER_ORDER: 1, OTHER_PROPENSITY: 1}
    assert answers.slates.marginal[1].tolist() == [1, slots[0].items[1].propensity, 1]


def test_a_log_without_exploration_says_what_to_do(home, capsys, monkeypatch):
    write_log(home, [act("x1", "u1", START)])

    status, report = offline(home, capsys, monkeypatch, "uniform")

    assert status == 1
    assert "Declare `[exploration]` in rules.toml" in report["error"]["message"]


@pytest.mark.parametrize("policy", ["unpublished", "absent.toml"])
def test_an_unknown_policy_is_refused_with_the_choice(drawn_home, capsys, monkeypatch, policy):
    status, report = offline(drawn_home, capsys, monkeypatch, policy)

    assert status == 1
    assert "logging, uniform" in report["error"]["message"]


def test_the_report_is_a_page_and_markdown(drawn_home, capsys, monkeypatch, tmp_path):
    page, text = tmp_path / "p.html", tmp_path / "p.md"

    _, report = offline(
        drawn_home, capsys, monkeypatch, "logging", "--html", str(page), "--markdown", str(text)
    )

    assert page.read_text() == off_policy_html(report)
    assert text.read_text() == off_policy_markdown(report)
    assert "<h1>Policy logging</h1>" in page.read_text()
    assert "http" not in page.read_text().replace("http://www.w3.org", "")
    assert "| doubly robust (DR) |" in text.read_text()
