"""What follows the first page of a search: all sources fused, each item once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from serving.query import SURFACES
from serving.ranking import with_following
from serving.ranking.reranking import full_matches_first
from tests.scale import examples
from training.retrieval.catalogue import Candidates, K

SURFACE = SURFACES["search"]
NAMES = ["lexical", "some_words", "category", "resembling"]
ranks = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 400), min_size=1)
lists = st.lists(ranks, max_size=30).map(
    lambda of: {f"i{n}": {name: (rank, 1.0) for name, rank in r.items()} for n, r in enumerate(of)}
)


def split(sources, order):
    """Return the order of today's sources, full matches first, and the items that only follow."""
    item_ids, candidates = list(sources), Candidates(list(sources), [], sources)
    own = [n for n in order if set(sources[item_ids[n]]) != {"resembling"}]
    own = full_matches_first(own, item_ids, candidates, SURFACE.partial_match_sources)
    return own, [n for n in order if n not in own], candidates


@settings(max_examples=examples(150), deadline=None)
@given(lists.flatmap(lambda s: st.tuples(st.just(s), st.permutations(range(len(s))))), st.data())
def test_a_first_page_is_that_of_the_other_sources_and_the_rest_is_fused(drawn, data):
    sources, order = drawn
    size = data.draw(st.integers(1, 12))
    own, following, candidates = split(sources, order)

    ordered = with_following(order, candidates.item_ids, candidates, SURFACE, size)

    def fused(n):
        rank = sources[f"i{n}"].get("resembling", (float("inf"), 0))[0]
        return (1 / (K + 1 + own.index(n)) if n in own else 0.0) + 1 / (K + rank)

    assert sorted(ordered) == sorted(order)
    if following or any("resembling" in of for of in sources.values()):
        assert ordered[: min(size, len(own))] == own[:size]
        scores = [fused(n) for n in ordered[min(size, len(own)) :]]
        assert scores == sorted(scores, reverse=True)
    else:
        assert ordered == list(order)


def test_a_list_without_followers_stays_as_it_is():
    sources = {"a": {"some_words": (1, 1.0)}, "b": {"lexical": (1, 1.0)}}

    ordered = with_following([0, 1], ["a", "b"], Candidates(["a", "b"], [], sources), SURFACE, 1)

    assert ordered == [0, 1]
