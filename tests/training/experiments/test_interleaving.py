"""A draft of two rankings: its teams are fair, and its propensities are the true ones."""

from collections import Counter, defaultdict
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import examples
from training.experiments import team_draft

ITEMS = st.integers(1, 7)
RANKINGS = ITEMS.flatmap(lambda n: st.tuples(*[st.permutations(range(n))] * 2))


def drafted(rankings, slots, coins):
    """Draft by given coins, one a round; return items, and who took each."""
    page, takers = [], []
    for coin in coins:
        for side in (coin, 1 - coin):
            if len(page) < slots:
                page.append(next(item for item in rankings[side] if item not in page))
                takers.append(side)
    return tuple(page), takers


def possible_pages(rankings, slots):
    """Return the probability of each page, by all outcomes of the coins."""
    rounds = (slots + 1) // 2
    outcomes = product((0, 1), repeat=rounds)
    counts = Counter(drafted(rankings, slots, coins)[0] for coins in outcomes)
    return {page: count / 2**rounds for page, count in counts.items()}


def drafts(rankings, slots):
    """Return page → draft, of as many seeds as give all possible pages."""
    expected, pages = possible_pages(rankings, slots), {}
    for seed in range(5_000):
        page = team_draft(rankings, slots, seed)
        pages[tuple(page.items)] = page
        if len(pages) == len(expected):
            return pages
    raise AssertionError(f"{len(pages)} of {len(expected)} pages were drafted")


@settings(max_examples=examples(60), deadline=None)
@given(RANKINGS, st.integers(0, 7))
def test_propensities_are_those_of_all_outcomes_of_the_coins(rankings, slots):
    slots = min(slots, len(rankings[0]))
    expected = possible_pages(rankings, slots)
    prefixes = defaultdict(float)
    for page, probability in expected.items():
        for end in range(slots + 1):
            prefixes[page[:end]] += probability

    for page, draft in drafts(rankings, slots).items():
        assert draft.propensities == [
            prefixes[page[: n + 1]] / prefixes[page[:n]] for n in range(slots)
        ]


@settings(max_examples=examples(60), deadline=None)
@given(RANKINGS)
def test_each_position_belongs_to_either_side_with_the_same_probability(rankings):
    balance = defaultdict(float)
    for draft in drafts(rankings, len(rankings[0])).values():
        for position, side in enumerate(draft.sides):
            if side is not None:
                balance[position] += prod(draft.propensities) * (1 if side else -1)

    assert all(value == pytest.approx(0) for value in balance.values())


@settings(max_examples=examples(60), deadline=None)
@given(RANKINGS, st.integers(0, 1 << 63))
def test_a_shorter_page_begins_a_longer_one(rankings, seed):
    whole = team_draft(rankings, len(rankings[0]), seed)

    for slots in range(len(whole.items)):
        page = team_draft(rankings, slots, seed)
        assert page.items == whole.items[:slots]
        assert page.sides == whole.sides[:slots]


def test_pages_are_drawn_as_often_as_their_propensities_say():
    rankings, draws = ([0, 1, 2, 3, 4, 5], [0, 2, 1, 5, 3, 4]), 4000
    seen, stated = Counter(), {}
    for seed in range(draws):
        page = team_draft(rankings, 4, seed)
        seen[tuple(page.items)] += 1
        stated[tuple(page.items)] = prod(page.propensities)

    assert sum(stated.values()) == pytest.approx(1)
    assert len(stated) > 2
    assert all(abs(seen[page] / draws - share) < 0.03 for page, share in stated.items())


def test_an_item_that_both_would_take_belongs_to_none():
    same, other = team_draft(([0, 1], [0, 1]), 2, 5), team_draft(([0, 1, 2], [0, 2, 1]), 3, 5)

    assert same.sides == [None, None]
    assert same.propensities == [1, 1]
    assert other.items[0] == 0
    assert (other.sides[0], other.propensities[0]) == (None, 1)
    assert (other.sides[1] == 0) == (other.items[1] == 1)


def test_swapped_items_belong_to_those_that_ranked_them_higher():
    for seed in range(20):
        page = team_draft(([0, 1], [1, 0]), 2, seed)

        assert dict(zip(page.items, page.sides, strict=True)) == {0: 0, 1: 1}
        assert page.propensities == [0.5, 1]
