"""Recall of the last day's clicks with the indexes of the day before."""

import json

import pytest

from feature_repo.home import DAY, DatasetError, parse_instant
from pipelines.cli.main import main
from serving.evaluation.retrieval_evaluation import evaluate_retrieval, past_home


@pytest.fixture(scope="module")
def evaluated(shop):
    return evaluate_retrieval(shop.home, days=2)


def test_each_surface_has_its_recall_and_the_gain_of_each_source(evaluated):
    assert set(evaluated["surfaces"]) == {"search", "home"}
    for recalled in evaluated["surfaces"].values():
        assert recalled["rankings"] > 0
        assert recalled["alone"].keys() == recalled["marginal"].keys()
        best, whole = max(recalled["alone"].values()), recalled["union"]["value"]
        assert 0 < best <= 1
        low, high = recalled["union"]["low"], recalled["union"]["high"]
        # A surface of fewer than 30 users has no interval.
        assert low is high is None or low <= whole <= high
        for source, lost in recalled["marginal"].items():
            assert lost <= recalled["alone"][source] + 1e-9


def test_a_past_home_has_no_later_events(shop, tmp_path):
    cut = parse_instant("2026-01-08T00:00:00Z")
    past = past_home(shop.home, tmp_path / "past", cut)

    days = {folder.name for folder in (past.log / "compacted").glob("*/day=*")}
    assert days
    assert max(days) < "day=2026-01-08"
    with pytest.raises(DatasetError):
        past_home(shop.home, tmp_path / "nothing", cut - 300 * DAY)


def test_the_command_prints_the_recall(shop, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(shop.home.root))

    assert main(["evaluate-retrieval", "--days", "2", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["surfaces"]) == {"search", "home"}


def test_a_home_without_a_log_gives_a_clear_error(shop, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "empty"))

    assert main(["evaluate-retrieval"]) == 3
    assert "rankings with items: found 0" in capsys.readouterr().err
