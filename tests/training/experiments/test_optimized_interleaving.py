"""An optimized draft: its pages are allowed, a click is unbiased, and propensities are true."""

from collections import Counter, defaultdict
from itertools import permutations
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scale import examples
from training.experiments import optimized_draft
from training.experiments.optimized_interleaving import (
    MOST_DRAFTED,
    optimized_pages,
    sensitivity,
)

RANKINGS = st.integers(1, 6).flatmap(lambda n: st.tuples(*[st.permutations(range(n))] * 2))
SIGN = {None: 0, 0: -1, 1: 1}


def allowed_pages(rankings, slots):
    """Return page → signs: each prefix joins a prefix of one ranking and one of the other."""
    heads = [[set(ranking[:end]) for end in range(slots + 1)] for ranking in rankings]
    pages = {}
    for page in permutations(range(len(rankings[0])), slots):
        prefixes = [set(page[:end]) for end in range(slots + 1)]
        if all(
            any(one | other == prefix for one in heads[0] for other in heads[1])
            for prefix in prefixes
        ):
            pages[page] = [_sign(rankings, page[at], prefixes[at]) for at in range(slots)]
    return pages


def _sign(rankings, item, above):
    """Whose best remaining item it is: -1 of the control, 1 of the candidate, 0 of both."""
    first, second = (next(each for each in one if each not in above) for one in rankings)
    return 0 if first == second else -1 if item == first else 1


@settings(max_examples=examples(40), deadline=None)
@given(RANKINGS, st.integers(1, 6))
def test_only_allowed_pages_are_drawn_and_no_position_prefers_a_side(rankings, slots):
    slots = min(slots, len(rankings[0]))
    allowed = allowed_pages(rankings, slots)

    pages = optimized_pages(rankings, slots)

    assert sum(page.probability for page in pages) == pytest.approx(1)
    assert {page.items: [SIGN[side] for side in page.sides] for page in pages}.items() <= (
        allowed.items()
    )
    balance = sum(page.probability * np.array(allowed[page.items]) for page in pages)
    assert balance == pytest.approx(np.zeros(slots), abs=1e-7)


@settings(max_examples=examples(40), deadline=None)
@given(RANKINGS, st.integers(1, 6))
def test_a_click_says_at_least_as_much_as_with_a_fair_coin_at_each_position(rankings, slots):
    slots = min(slots, len(rankings[0]))
    allowed = allowed_pages(rankings, slots)
    signs = np.array([*allowed.values()])
    coins = 0.5 ** (signs != 0).sum(axis=1)

    pages = optimized_pages(rankings, slots)

    assert coins.sum() == pytest.approx(1)
    best = sensitivity(np.array([allowed[page.items] for page in pages]))
    expected = float(best @ [page.probability for page in pages])
    assert expected >= float(sensitivity(signs) @ coins) - 1e-7


@settings(max_examples=examples(40), deadline=None)
@given(RANKINGS, st.integers(1, 6), st.integers(0, 1 << 63))
def test_propensities_are_those_of_all_pages(rankings, slots, seed):
    slots = min(slots, len(rankings[0]))
    pages = optimized_pages(rankings, slots)
    prefixes = defaultdict(float)
    for page in pages:
        for end in range(slots + 1):
            prefixes[page.items[:end]] += page.probability

    draft = optimized_draft(rankings, slots, seed)

    items = tuple(draft.items)
    assert draft.propensities == pytest.approx(
        [prefixes[items[: n + 1]] / prefixes[items[:n]] for n in range(slots)]
    )


def test_pages_are_drawn_as_often_as_their_propensities_say():
    rankings, draws = ([0, 1, 2, 3, 4, 5], [0, 2, 1, 5, 3, 4]), 400
    seen, stated = Counter(), {}
    for seed in range(draws):
        page = optimized_draft(rankings, 4, seed)
        seen[tuple(page.items)] += 1
        stated[tuple(page.items)] = prod(page.propensities)

    assert sum(stated.values()) == pytest.approx(1)
    assert len(stated) > 1
    assert all(abs(seen[page] / draws - share) < 0.1 for page, share in stated.items())


def test_positions_below_the_drafted_ones_have_the_order_of_the_control():
    count = MOST_DRAFTED + 5
    rankings = ([*range(count)], [1, 0, *range(2, count)])

    draft = optimized_draft(rankings, count, 3)

    assert sorted(draft.items) == [*range(count)]
    assert draft.items[2:] == [*range(2, count)]
    assert draft.propensities[0] == pytest.approx(0.5)
    assert draft.propensities[MOST_DRAFTED:] == [1.0] * 5
    assert draft.sides[MOST_DRAFTED:] == [None] * 5


def test_equal_rankings_have_one_page_and_no_slot_has_none():
    assert optimized_draft(([2, 0, 1], [2, 0, 1]), 3, 9).propensities == [1.0, 1.0, 1.0]
    assert optimized_draft(([2, 0, 1], [0, 1, 2]), 0, 9).items == []
