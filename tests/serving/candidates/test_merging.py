"""Candidates of a search: what may be on its first page, and what only follows it."""

import numpy as np
import pytest

from serving.candidates import DEPTH, Retrieval, merge
from serving.candidates.merging import MOST_FOLLOWING
from serving.candidates.variants import Variants
from serving.query import SURFACES
from training.retrieval.catalogue import RankedRows

SURFACE = SURFACES["search"]
IDS = [f"i{n:04}" for n in range(1000)]


def ranked(*rows):
    return RankedRows(np.array(rows, np.int64), -np.arange(float(len(rows))))


def merged(variants=None, **results):
    return merge(Retrieval(results, IDS, variants=variants), SURFACE)


@pytest.mark.parametrize("full", [0, 3, 150, 180, 200, 300])
def test_followers_replace_partial_matches_alone(full):
    lexical, partial = ranked(*range(full)), ranked(*range(500, 900))

    without = merged(lexical=lexical, some_words=partial)
    candidates = merged(lexical=lexical, some_words=partial, resembling=ranked(1, *range(910, 999)))

    listed = candidates.item_ids
    new = [item for item in listed if item not in without.sources]
    room = DEPTH - min(full, DEPTH)
    assert len(listed) == len(set(listed)) == DEPTH
    assert len(new) == min(MOST_FOLLOWING, room)
    assert listed[: DEPTH - len(new)] == without.item_ids[: DEPTH - len(new)]
    if full:
        assert candidates.sources[IDS[1]]["resembling"] == (1, 0.0)


def test_a_follower_is_no_variant_of_a_listed_item():
    groups = np.arange(1000)
    groups[[5, 900, 901, 902]] = [5, 5, 901, 901]

    candidates = merged(
        Variants(groups), lexical=ranked(5, 6), resembling=ranked(900, 901, 902, 903)
    )

    assert candidates.item_ids == [IDS[n] for n in (5, 6, 901, 903)]
