"""The summed scores of single words give the results of tantivy for the whole query."""

import numpy as np
import pyarrow as pa
import pytest
import tantivy
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.shop import Shop, ShopField
from tests.scale import examples
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import Lexical
from training.retrieval.indexes.bm25 import TIE_BREAKER
from training.retrieval.indexes.lexical import ALL, TITLE

SHOP = Shop("s", (ShopField("title", "text", "title", "title"), ShopField("tags", "list", "tags")))
WORDS = ["zinc", "oak", "lime", "fig", "ash", "elm", "box"]
ITEMS = 400


def few(chance, most):
    return [str(word) for word in chance.choice(WORDS, chance.integers(0, most))]


@pytest.fixture(scope="module")
def texts():
    chance = np.random.default_rng(3)
    return [(" ".join(few(chance, 5)), few(chance, 60)) for _ in range(ITEMS)]


@pytest.fixture(scope="module")
def lexical(texts):
    titles, tags = zip(*texts, strict=True)
    table = pa.table({"item_id": [f"i{n}" for n in range(ITEMS)], "title": titles, "tags": tags})
    return Lexical.fit(ItemTable(table, SHOP), "english")


@pytest.fixture(scope="module")
def plain(texts):
    builder = tantivy.SchemaBuilder()
    for name in (TITLE, ALL):
        builder.add_text_field(name, tokenizer_name="whitespace")
    index = tantivy.Index(builder.build())
    writer = index.writer(20_000_000, 1)
    for title, tags in texts:
        document = tantivy.Document()
        document.add_text(TITLE, title)
        document.add_text(ALL, " ".join([title, *tags]))
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    return index


def search_by(plain, query_words, at_least, size):
    each = [
        tantivy.Query.disjunction_max_query(
            [tantivy.Query.term_query(plain.schema, name, word) for name in (TITLE, ALL)],
            TIE_BREAKER,
        )
        for word in dict.fromkeys(query_words)
    ]
    query = tantivy.Query.boolean_query(
        [(tantivy.Occur.Should, word) for word in each], min(at_least, len(each))
    )
    hits = plain.searcher().search(query, size).hits
    return [f"i{address.doc}" for _, address in hits], [score for score, _ in hits]


@settings(max_examples=examples(150), deadline=None)
@given(
    st.lists(st.sampled_from([*WORDS, "nobody"]), min_size=1, max_size=6),
    st.integers(1, 6),
    st.sampled_from([1, 7, 100, 10_000]),
)
def test_scores_of_single_words_add_up_to_the_scores_of_the_query(
    lexical, plain, query_words, at_least, size
):
    ids, scores = search_by(plain, query_words, at_least, size)

    results = lexical.search(query_words, at_least=at_least, size=size)

    assert results.scores == pytest.approx(scores, rel=1e-6)
    if len(set(query_words)) <= 2:
        assert (results.item_ids, results.scores) == (ids, scores)


def test_empty_index_has_no_results(tmp_path):
    table = pa.table({"item_id": [], "title": [], "tags": []})
    Lexical.fit(ItemTable(table, SHOP), "english").save(tmp_path)

    assert Lexical.load(tmp_path).search(["zinc"]).item_ids == []
