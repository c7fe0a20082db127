"""Neighbours are found with work that grows with the number of items and clicks, not its square."""

import json

import numpy as np
import pytest

from feature_repo.events.ingest import ingest
from feature_repo.home import Clock, Home, Settings
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import fit_similar, fit_together
from training.retrieval.indexes.covisitation import MOST_IN_SESSION
from training.retrieval.indexes.item_to_item import term_heads, terms_of, tf_idf
from training.retrieval.indexes.neighbours import MOST


def one_category_in_six(items):
    """Terms of items: their own word, shared by two items, and a category."""
    return [[f"w{n // 2}", f"c{n % 6}"] for n in range(items)]


def products(items, most_items):
    vectors = tf_idf(one_category_in_six(items))
    return (vectors @ term_heads(vectors, most_items)).nnz


def test_twice_the_items_of_a_category_are_twice_the_comparisons():
    assert products(1200, 1200) >= 3.9 * products(600, 600)
    assert products(1200, 50) <= 2.1 * products(600, 50)


def test_an_item_is_compared_with_the_highest_weights_of_its_terms():
    vectors = tf_idf([["a", "b"], ["a"], ["a"], ["b"], ["c"], ["c"], *([["d"]] * 5)])

    heads = term_heads(vectors, 2).toarray()

    whole = vectors.T.toarray()
    for row, expected in zip(heads, whole, strict=True):
        best = np.argsort(-expected, kind="stable")[:2]
        assert np.flatnonzero(row).tolist() == sorted(best[expected[best] > 0])


def test_similar_items_are_those_of_the_highest_cosines(small_home):
    item_table = ItemTable.fit(small_home)
    ids, vectors = item_table.item_ids, tf_idf(terms_of(item_table))
    cosines = (vectors @ vectors.T).toarray()
    np.fill_diagonal(cosines, 0)
    similar = fit_similar(item_table)

    for row, item in enumerate(ids):
        best = np.argsort(-cosines[row], kind="stable")[:MOST]
        expected = {ids[other]: float(cosines[row, other]) for other in best if cosines[row, other]}
        results = similar.search([item], MOST)
        assert dict(zip(results.item_ids, results.scores, strict=True)) == expected


@pytest.fixture
def bot_home(tmp_path):
    """Returns a function that fills a home: two clicks of a shopper, and a bot's session."""

    def fill(clicks):
        home = Home(tmp_path / str(clicks))
        events = [
            {
                "kind": "interaction",
                "event_id": f"{session} {item}",
                "event_time": f"2026-01-05T10:00:{item % 60:02d}Z",
                "item_id": f"i{item}",
                "type": "click",
                "session_id": session,
            }
            for session, count in (("shopper", 2), ("bot", clicks))
            for item in range(count)
        ]
        source = tmp_path / f"{clicks}.jsonl"
        source.write_text("\n".join(map(json.dumps, events)))
        clock = Clock.of(Settings(home=home, clock="2026-01-06T00:00:00Z"))
        ingest([source], home=home, clock=clock)
        return home

    return fill


def test_a_session_above_the_cap_adds_no_pair(bot_home):
    at_the_cap = fit_together(bot_home(MOST_IN_SESSION)).pairs
    above_it = fit_together(bot_home(MOST_IN_SESSION + 1)).pairs

    assert at_the_cap.num_rows == MOST_IN_SESSION * MOST
    assert above_it["item_id"].to_pylist() == ["i0", "i1"]
