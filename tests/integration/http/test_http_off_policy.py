"""Rankers and rules are evaluated on the pages of a service that explores."""

from itertools import count

import pytest

from feature_repo.home import MINUTE
from pipelines.steps import refresh
from serving.evaluation.offline_policy import ServedOrder, evaluate_policy
from training.off_policy import Answers
from training.rules import RULES_FILE

EXPLORING = '[exploration]\nshare = 1.0\ntemperature = 2.0\nsurface = ["home"]\n'
PAGES, CLICKED = 30, 9


@pytest.fixture(scope="module")
def explored(running_service):
    """The service, after shoppers saw drawn pages and some clicked the first item; the instant
    before these pages."""
    service, start = running_service, running_service.clock.now()
    rules = service.home.root / RULES_FILE
    rules.write_text(EXPLORING)
    tries = count()
    assert service.eventually(lambda: _page(service, f"begins-{next(tries)}").seed is not None)
    records = [_page(service, f"explored-{n}") for n in range(PAGES)]
    for record in records[:CLICKED]:
        item = record.items[0].item_id
        service.click(item, user_id=record.user_id, request_id=record.request_id)
    refresh(service.settings)
    yield service, start
    rules.unlink()
    assert service.eventually(lambda: _page(service, f"ends-{next(tries)}").seed is None)


def _page(service, request_id):
    """Return the record of a home page that is reported as shown."""
    request = {"id": request_id, "user": request_id, "count": 4}
    service.recommend("home", params={"shown": "1"}, **request).raise_for_status()
    return service.eventually(lambda: service.log.served(request_id))


def _answers(service, start):
    read = Answers.read(service.home, start, service.clock.now() + MINUTE)
    assert read.skipped == {}
    return [each for each in read.answers if each.request_id.startswith("explored-")]


def test_the_logging_policy_has_the_clicks_of_the_shoppers(explored):
    service, start = explored

    report = evaluate_policy(service.home, "logging", until=service.clock.now() + MINUTE, days=1)

    clicks = sum(len(each.clicked & {*each.item_ids}) for each in _answers(service, start))
    assert clicks == CLICKED
    assert report["rewards"] >= CLICKED
    assert report["observed"]["value"] == report["rewards"] / report["slates"]
    assert "are needed" in report["refusal"]


def test_rules_of_a_file_change_the_order_of_the_ranker(explored, tmp_path):
    service, start = explored
    answers = _answers(service, start)
    candidates = frozenset.intersection(*(frozenset(each.candidates) for each in answers))
    hidden, pinned = sorted(candidates)[:2]
    file = tmp_path / "other.toml"
    file.write_text(
        f'[[rule]]\naction = "hide"\nitems = ["{hidden}"]\n\n'
        f'[[rule]]\naction = "pin"\nitems = ["{pinned}"]\nposition = 2\n'
    )

    by_ranker = [*ServedOrder.of(service.home, "default").orders(service.home, answers)]
    by_rules = [*ServedOrder.of(service.home, str(file)).orders(service.home, answers)]

    for ranked, ruled, each in zip(by_ranker, by_rules, answers, strict=True):
        assert sorted(ranked) == sorted(each.candidates)
        assert ruled[1] == pinned
        rest = [item for item in ranked if item not in (hidden, pinned)]
        assert [item for item in ruled if item != pinned] == rest


@pytest.mark.parametrize("policy", ["default", "uniform"])
def test_a_policy_is_evaluated_or_refused_in_a_sentence(explored, policy):
    service, _ = explored

    report = evaluate_policy(service.home, policy, until=service.clock.now() + MINUTE, days=1)

    assert {row["name"] for row in report["estimates"]} >= {"snips", "rips", "iips", "dr"}
    assert report["refusal"].endswith(".")
