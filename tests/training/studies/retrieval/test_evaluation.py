"""Retrieval metrics equal pytrec_eval's; weights are chosen on development queries."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import DatasetError
from serving.evaluation import served_search
from tests.scale import examples
from training.retrieval.catalogue import RankedList
from training.studies.retrieval import evaluate
from training.studies.retrieval.evaluation import BASELINE, is_development, ndcg_of, recall_of

ITEMS = [f"i{n}" for n in range(15)]
judgments = st.dictionaries(st.sampled_from(ITEMS), st.sampled_from([0, 1, 2, 3]), min_size=1)
rankings = st.permutations(ITEMS).flatmap(lambda p: st.integers(0, 15).map(lambda n: p[:n]))


@settings(max_examples=examples(100), deadline=None)
@given(judgments, rankings)
def test_figures_agree_with_pytrec_eval(gains, ranked):
    results = RankedList(ranked, [float(-n) for n in range(len(ranked))])
    judgments = {item: (float(gain), gain == 3) for item, gain in gains.items()}
    exact = {item: int(gain == 3) for item, gain in gains.items()}
    run = {"q": dict(zip(results.item_ids, results.scores, strict=True))}

    evaluation, share = ndcg_of(results, judgments), recall_of(results, judgments, 5)

    def reference(qrels, measure):
        return pytrec_eval.RelevanceEvaluator({"q": qrels}, {measure}).evaluate(run)["q"]

    if any(gains.values()) and ranked:
        assert evaluation == pytest.approx(reference(gains, "ndcg_cut.10")["ndcg_cut_10"])
    if any(exact.values()) and ranked:
        assert share == pytest.approx(reference(exact, "recall.5")["recall_5"])
    assert np.isnan(evaluation) == (not any(gains.values()))


def test_folder_is_evaluated_by_one_command(tmp_path):
    titles = [f"{colour} {noun}" for colour in ("red", "blue", "green") for noun in ("mug", "hat")]
    blank = pa.nulls(6, pa.string())
    columns = {"brand": blank, "color": blank, "bullet_points": blank, "description": blank}
    products = {"asin": ITEMS[:6], "title": titles, "category": [["x"]] * 6, **columns}
    queries = [f"{title} {n}" for title in titles for n in range(3)]
    judgments = {
        "query": queries,
        "asin": [ITEMS[n // 3] for n in range(18)],
        "esci_label": ["E"] * 18,
        "gain": [1.0] * 18,
    }
    pq.write_table(pa.table(products), tmp_path / "products.parquet")
    pq.write_table(pa.table(judgments), tmp_path / "judgments.parquet")

    evaluation = evaluate(tmp_path, served_search)

    assert (
        evaluation.queries["all"]
        == 18
        == evaluation.queries["test"] + evaluation.queries["development"]
    )
    assert evaluation.queries["development"] == sum(map(is_development, queries))
    assert [m.name for m in evaluation.splits["test"]] == [
        BASELINE,
        "query",
        "lexical",
        "lsa",
        "similar",
        "fused",
        "search",
        "search, matches alone",
    ]
    assert {m.ndcg.value for m in evaluation.splits["all"] if m.name in (BASELINE, "lexical")} == {
        1.0
    }
    assert not evaluation.fused


def test_a_folder_without_judgments_is_rejected(tmp_path):
    with pytest.raises(DatasetError, match="products"):
        evaluate(tmp_path, served_search)
