"""The evaluation compares ranker and baselines on the same slates and reports the figures."""

import json
import re
import shutil
from copy import deepcopy
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from feature_repo.home import DatasetError
from training.dataset import TRAIN, VALIDATE, Dataset
from training.dataset.format import write_dataset
from training.dataset.slices import slices_of, support_levels
from training.evaluation import evaluate, print_evaluation, repeat_trainings, study
from training.evaluation.ablations import USER_AND_SESSION, ablation, learning_curve
from training.evaluation.evaluate import EVALUATION, PAGE, Logged, measure
from training.evaluation.evaluation_table import tables
from training.evaluation.model_card import CARD, CARD_JSON, card, to_markdown
from training.metrics import CONVENTIONS, Metric, ndcg
from training.ranker import BASELINES, TRAINING, Trial, refit
from training.ranker.configuration import GRID
from training.ranker.fitting import save_trained


@pytest.fixture(scope="module")
def evaluated(made_dataset, fitted, tmp_path_factory):
    """A folder with the ranker and its evaluation, and what `evaluate` returned."""
    folder = tmp_path_factory.mktemp("evaluated")
    ranker = folder / "ranker"
    save_trained(*fitted, made_dataset, ranker)
    return folder, evaluate(made_dataset, ranker, folder / "evaluation").to_dict()


@pytest.fixture
def dataset(made_dataset):
    return made_dataset


@pytest.fixture
def evaluation(evaluated):
    """The returned figures, which a test may change."""
    return deepcopy(evaluated[1])


@pytest.fixture
def folder(evaluated, tmp_path):
    """A copy of the folder, which a test may change."""
    return shutil.copytree(evaluated[0], tmp_path / "evaluated")


@pytest.fixture
def ranker(folder):
    return folder / "ranker"


@pytest.fixture
def out(folder):
    return folder / "evaluation"


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
    assert slices["only warm items chosen"] == counted
    assert (
        sum(n for name, n in slices.items() if name.startswith("chosen, click rate of")) == counted
    )
    assert 0 < slices["tail query"] < counted


def test_item_has_the_first_level_that_supports_its_click_rate(make_dataset):
    shown = np.array([9.9, 10, 99, np.nan, np.nan, 0])
    brand = np.array([10, 99, np.nan, 10, np.nan, 9])
    category = np.array([50, 50, 50, 50, 50, np.nan])
    names = {
        "item_engagement__impressions_all": lambda gain: np.tile(shown, (len(gain), 1)),
        "percentiles__brand_support": lambda gain: np.tile(brand, (len(gain), 1)),
        "percentiles__category_support": lambda gain: np.tile(category, (len(gain), 1)),
    }
    data = Dataset.load(make_dataset(slates=1, **names))

    levels = support_levels(data)

    assert {rung: np.flatnonzero(items).tolist() for rung, items in levels.items()} == {
        "the item": [1, 2],
        "its brand": [0, 3],
        "its category": [4],
        "the shop": [5],
    }


def test_test_split_is_measured_once_for_a_release(dataset, ranker, out, evaluation):
    (out / PAGE).write_text("kept")

    again = evaluate(dataset, ranker, out)

    assert isinstance(again, Logged)
    assert again.to_dict() == evaluation
    assert (out / PAGE).read_text() == "kept"


def test_another_dataset_is_measured_again(make_dataset, ranker, out, evaluation):
    other = evaluate(make_dataset("other.parquet", seed=9), ranker, out)

    assert not isinstance(other, Logged)
    assert other.to_dict()["test"] != evaluation["test"]


def test_shuffled_rows_of_a_slate_change_no_metric_of_the_ranker(dataset):
    data = Dataset.load(dataset).part("test")
    scores = np.random.default_rng(1).random(data.matrix.shape[0])
    order = np.lexsort((np.random.default_rng(2).random(scores.size), data.column("qid")))
    shuffled = Dataset(data.facts, data.keys.take(order), data.matrix[order])

    values = measure(data, scores, {}, {}).to_dict()["test"]
    shuffled_values = measure(shuffled, scores[order], {}, {}).to_dict()["test"]

    assert values == pytest.approx(shuffled_values, abs=1e-12)


def test_written_evaluation_equals_the_returned_one(evaluation, out):
    written = json.loads((out / EVALUATION).read_text())

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


def test_page_loads_nothing_and_declares_its_language(out):
    text = (out / PAGE).read_text()
    page = Page(text)

    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert not re.search(r"https?://|url\(|@import", text)
    assert ("html", "lang", "en") in page.attributes
    assert page.tags.count("h1") == page.tags.count("main") == 1


def test_page_supports_screen_readers_and_dark_mode(evaluation, out):
    text = (out / PAGE).read_text()
    page = Page(text)
    plots = page.tags.count("svg")
    roles = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "role")]
    ids = [value for _, name, value in page.attributes if name == "id"]
    named = [v for tag, name, v in page.attributes if (tag, name) == ("svg", "aria-labelledby")]

    assert roles == ["img"] * plots
    assert plots >= 3
    assert page.tags.count("title") - 1 == page.tags.count("desc") == plots
    assert sorted(ids) == sorted(word for names in named for word in names.split())
    assert "prefers-color-scheme: dark" in text
    assert page.tags.count("caption") == page.tags.count("table") > plots
    assert all(f"{model['name']}</th>" in text for model in evaluation["models"])


def test_report_shows_the_requested_studies(dataset, evaluation, out):
    table = study(dataset, out, ["ablation", "learning_curve"])

    text = (out / PAGE).read_text()
    assert json.loads((out / EVALUATION).read_text()) == table
    assert table["test"] == evaluation["test"]
    assert "Without a family of features" in text
    assert "Learning curve" in text
    assert Page(text).tags.count("svg") == 6
    assert len(list(tables(table))) == 5


CHOSEN = {"chosen": Trial("naive", GRID[0], 30, 0.0).to_dict()}


def test_most_important_family_has_the_largest_loss(make_dataset):
    refits = ablation(make_dataset(slates=400), CHOSEN)["refits"]
    by_name = {refit["name"]: refit for refit in refits}

    assert {refit["name"] for refit in refits[:2]} == {"taste", USER_AND_SESSION}
    assert by_name["taste"]["difference"]["high"] < 0
    assert by_name[USER_AND_SESSION]["difference"]["high"] < 0
    assert by_name["everything"]["difference"] == {"value": 0, "low": 0, "high": 0}
    assert all(
        refit["features"] < by_name["everything"]["features"]
        for refit in refits
        if refit["name"] != "everything"
    )


def test_ensemble_is_refitted_as_an_ensemble(make_dataset):
    dataset = make_dataset(slates=60)
    parts = tuple(Trial(name, GRID[0], 5, 0.0) for name in ("naive", "examined"))
    blended = Trial("blended", GRID[0], 10, 0.0, parts)
    data = Dataset.load(dataset)
    checked = data.part(VALIDATE).with_gain()

    refits = ablation(dataset, {"chosen": blended.to_dict()})["refits"]

    scores = refit(blended, data.part(TRAIN)).scores(checked)
    (whole,) = [one for one in refits if one["name"] == "everything"]
    assert whole["ndcg_at_10"]["value"] == pytest.approx(
        ndcg(scores, checked.column("gain"), checked.column("qid")).mean()
    )


def test_a_learning_curve_ends_with_all_rankings(make_dataset):
    refits = learning_curve(make_dataset(slates=400), CHOSEN)["refits"]
    rankings = [refit["rankings"] for refit in refits]

    assert [refit["name"] for refit in refits] == ["5%", "10%", "25%", "50%", "100%"]
    assert rankings == sorted(rankings)
    assert refits[0]["difference"]["high"] < 0
    assert refits[-1]["difference"]["value"] == 0


def test_metrics_are_requested_by_name_and_measured_once(dataset, ranker, out, evaluation):
    more = [Metric.parse("ndcg@3"), Metric.parse("precision@1")]

    again = evaluate(dataset, ranker, out, more)

    assert not isinstance(again, Logged)
    assert {"ndcg@3", "precision@1", *evaluation["test"]} == set(again.to_dict()["test"])
    assert isinstance(evaluate(dataset, ranker, out, more[:1]), Logged)


def test_card_lists_metrics_without_the_required_fields(evaluation, out):
    card = json.loads((out / CARD_JSON).read_text())

    assert evaluation["test"]["revenue@10"] is None
    assert 0 < evaluation["test"]["coverage@10"] <= 1
    assert "revenue@10" not in card["metrics"]
    assert any("revenue@10, diversity@10" in limit for limit in card["limits"])


def test_model_card_lists_data_features_metrics_slices_and_limits(evaluation, out):
    text = (out / CARD).read_text()
    interval = evaluation["models"][0]["metrics"]["ndcg@10"]

    headings = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["Data", "Features", "Metrics", "Slices", "Limits"]
    assert f"{interval['value']:.4f} ({interval['low']:.4f} to {interval['high']:.4f})" in text
    assert all(f"| {part['name']} |" in text for part in evaluation["slices"])
    assert "nan" not in text.lower().split()


def test_names_from_a_shop_cannot_break_the_card(evaluation):
    evaluation["slices"][0]["name"] = "market a|b\n<b>"

    row = next(x for x in to_markdown(card(evaluation)).splitlines() if "market a" in x)

    assert row.startswith("| market a\\|b &lt;b> |")


def test_surface_and_device_are_slices_if_the_dataset_has_them(dataset):
    data = Dataset.load(dataset).part("test")
    surface = pa.array(["home" if n % 2 else "search" for n in data.column("qid")])
    keys = data.keys.append_column("surface", surface)

    names = set(slices_of(Dataset(data.facts, keys, data.matrix)))

    assert {"surface home", "surface search"} <= names
    assert not any(name.startswith("device") for name in names)


def test_a_slate_without_a_surface_is_in_no_slice_of_surfaces(dataset):
    data = Dataset.load(dataset).part("test")
    names = {0: "home", 1: "search", 2: None}
    surface = pa.array([names[n % 3] for n in data.column("qid")])
    keys = data.keys.append_column("surface", surface)

    slices = slices_of(Dataset(data.facts, keys, data.matrix))

    slates = np.unique(data.column("qid"))
    assert {chosen.size for chosen in slices.values()} == {slates.size}
    assert slices["surface home"].tolist() == [n % 3 == 0 for n in slates]
    assert slices["surface search"].tolist() == [n % 3 == 1 for n in slates]


def test_revenue_and_diversity_use_the_fields_of_the_shop(dataset):
    data = Dataset.load(dataset).part("test")
    bought = np.where(data.column("gain") > 0, 6, 0).astype(np.float32)
    at = data.keys.column_names.index("gain")
    keys = data.keys.set_column(at, "gain", pa.array(bought))
    keys = keys.append_column("category", pa.array(["a", "b"] * (data.size // 2)))
    facts = replace(data.facts, roles={"price": "item_engagement__impressions_all"})

    levels = measure(Dataset(facts, keys, data.matrix), np.zeros(data.size), {}, {}).to_dict()

    slates = np.unique(data.column("qid")[bought > 0]).size
    assert levels["test"]["revenue@10"] == pytest.approx(100 * (bought > 0).sum() / slates)
    assert levels["test"]["diversity@10"] == pytest.approx(9 / 15)


def test_names_from_a_shop_cannot_break_the_page(evaluation):
    from training.evaluation.report import page

    evaluation["slices"][0]["name"] = "market <script>alert(1)</script>"

    assert "<script>" not in page(evaluation)


def test_test_split_without_clicks_is_rejected_with_a_clear_error(dataset):
    data = Dataset.load(dataset).part("test")
    unwanted = data.rows(data.column("gain") == 0)
    lonely = unwanted.rows(np.ones(unwanted.matrix.shape[0], bool))

    with pytest.raises(DatasetError, match="nothing to measure"):
        measure(lonely, np.zeros(lonely.matrix.shape[0]), {}, {})


def test_dataset_without_a_test_split_is_rejected_with_a_clear_error(dataset, ranker, tmp_path):
    names = Dataset.load(dataset).part("train", "validate")
    write_dataset(tmp_path / "short.parquet", names.facts, names.keys, [names.matrix])

    with pytest.raises(DatasetError, match="nothing to measure"):
        evaluate(tmp_path / "short.parquet", ranker, tmp_path / "none")


def test_trainings_with_other_seeds_and_row_orders_have_a_spread(dataset, ranker, evaluation):
    training = json.loads((ranker / TRAINING).read_text())

    trainings = repeat_trainings(dataset, training, 2)

    values, difference = trainings["ndcg@10"], trainings["difference"]
    published = evaluation["test"]["ndcg@10"]
    assert trainings["count"] == 2
    assert values["low"] < values["high"]
    assert published in (pytest.approx(values["low"]), pytest.approx(values["high"]))
    assert values["mean"] - difference["mean"] == pytest.approx(
        next(
            model["metrics"]["ndcg@10"]["value"]
            for model in evaluation["models"]
            if model["name"] == "smoothed click rate"
        )
    )
    console = Console(record=True, width=120)
    print_evaluation({**evaluation, "trainings": trainings}, console)
    assert "2 trainings with other seeds and row orders" in console.export_text()
