"""The evaluation compares ranker and baselines on the same slates and tells it plainly."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from feature_repo.errors import DatasetError
from training.baselines import BASELINES
from training.configuration import GRID
from training.dataset_file import Dataset
from training.evaluate import EVALUATION, PAGE, Logged, evaluate, measure, print_evaluation
from training.fitting import choose_and_fit
from training.metrics import CONVENTIONS
from training.ranker import TRAINING


@pytest.fixture
def dataset(make_dataset):
    return make_dataset()


@pytest.fixture
def ranker(dataset, tmp_path):
    fitted, training = choose_and_fit(Dataset.load(dataset), grid=GRID[:1])
    fitted.save(tmp_path / "ranker")
    (tmp_path / "ranker" / TRAINING).write_text(json.dumps(training.to_dict()))
    return tmp_path / "ranker"


@pytest.fixture
def evaluation(dataset, ranker, tmp_path):
    return evaluate(dataset, ranker, tmp_path / "evaluation").to_dict()


def test_ranker_and_baselines_are_measured_by_one_command(evaluation):
    names = [model["name"] for model in evaluation["models"]]
    best = [model["metrics"]["ndcg@10"]["value"] for model in evaluation["models"]]

    assert names[0] == "ranker"
    assert set(names[1:]) == set(BASELINES)
    assert best == sorted(best, reverse=True)
    assert evaluation["test"]["ndcg@10"] == best[0]


def test_only_the_test_split_is_measured(evaluation):
    assert evaluation["rankings"]["test"] == 30
    assert evaluation["rankings"]["counted"] + evaluation["rankings"]["empty"] == 30


def test_the_difference_is_paired_and_zero_for_the_baseline_itself(evaluation):
    difference = {model["name"]: model["difference"] for model in evaluation["models"]}

    assert difference["smoothed click rate"] == {"value": 0, "low": 0, "high": 0}
    assert difference["ranker"]["low"] > 0
    assert difference["random"]["value"] < 0


def test_slices_cover_users_items_queries_and_markets(evaluation):
    slices = {part["name"]: part["rankings"] for part in evaluation["slices"]}
    counted = evaluation["rankings"]["counted"]

    assert slices["warm user"] + slices["cold user"] == counted
    assert slices["market uk"] + slices["market de"] == counted
    assert slices["only warm items were wanted"] == counted
    assert 0 < slices["tail query"] < counted


def test_the_test_split_is_run_once_for_a_release(dataset, ranker, tmp_path, evaluation):
    (tmp_path / "evaluation" / PAGE).write_text("kept")

    again = evaluate(dataset, ranker, tmp_path / "evaluation")

    assert isinstance(again, Logged)
    assert again.to_dict() == evaluation
    assert (tmp_path / "evaluation" / PAGE).read_text() == "kept"


def test_another_dataset_is_measured_anew(make_dataset, ranker, tmp_path, evaluation):
    other = evaluate(make_dataset("other.parquet", seed=9), ranker, tmp_path / "evaluation")

    assert not isinstance(other, Logged)
    assert other.to_dict()["test"] != evaluation["test"]


def test_shuffled_rows_of_a_slate_change_no_metric_of_the_ranker(dataset):
    data = Dataset.load(dataset).part("test")
    scores = np.random.default_rng(1).random(data.matrix.shape[0])
    order = np.lexsort((np.random.default_rng(2).random(scores.size), data.column("qid")))
    shuffled = Dataset(data.facts, data.keys.take(order), data.matrix[order])

    ours = measure(data, scores, {}, {}).to_dict()["test"]
    theirs = measure(shuffled, scores[order], {}, {}).to_dict()["test"]

    assert ours == pytest.approx(theirs, abs=1e-12)


def test_what_is_written_is_what_is_told(evaluation, tmp_path):
    written = json.loads((tmp_path / "evaluation" / EVALUATION).read_text())

    assert written == json.loads(json.dumps(evaluation))


def test_the_table_begins_with_the_conventions(evaluation):
    console = Console(width=160, record=True)

    print_evaluation(evaluation, console)

    text = console.export_text()
    assert text.index("Test split") < text.index(CONVENTIONS[:30]) < text.index("ranker")
    assert f"{evaluation['test']['ndcg@10']:.4f}" in text


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]


def test_the_page_fetches_nothing_and_says_its_language(evaluation, tmp_path):
    text = (tmp_path / "evaluation" / PAGE).read_text()
    page = Page(text)

    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not re.search(r"https?://|url\(|@import", text)
    assert ("html", "lang", "en") in page.attributes
    assert page.tags.count("h1") == page.tags.count("main") == 1


def test_the_page_is_readable_without_seeing_bars_and_in_the_dark(evaluation, tmp_path):
    text = (tmp_path / "evaluation" / PAGE).read_text()
    page = Page(text)

    assert [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")] == [
        "img"
    ]
    assert any(tag == "svg" and name == "aria-label" for tag, name, _ in page.attributes)
    assert "prefers-color-scheme: dark" in text
    assert page.tags.count("caption") == page.tags.count("table") == 3
    assert all(f"{model['name']}</th>" in text for model in evaluation["models"])


def test_names_from_a_shop_cannot_break_the_page(dataset, ranker, tmp_path):
    from training.report import page

    evaluation = evaluate(dataset, ranker, tmp_path / "one").to_dict()
    evaluation["slices"][0]["name"] = "market <script>alert(1)</script>"

    assert "<script>" not in page(evaluation)


def test_a_test_split_without_clicks_is_refused_in_a_sentence(dataset):
    data = Dataset.load(dataset).part("test")
    unwanted = data.rows(data.column("gain") == 0)
    lonely = unwanted.rows(np.ones(unwanted.matrix.shape[0], bool))

    with pytest.raises(DatasetError, match="nothing to measure"):
        measure(lonely, np.zeros(lonely.matrix.shape[0]), {}, {})
