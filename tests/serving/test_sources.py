"""What a source of candidates gives, from what is known of the shopper."""

import pyarrow as pa
import pytest

from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts
from serving.model_shelf import ModelShelf
from serving.question import Question
from serving.sources import PAST_SHARE, Sources
from serving.wanted import SURFACES, Wanted
from training.retrieval.assortment import Assortment
from training.retrieval.filters import sellable

SHOP = Shop("s", ())


def past_of(items, instants, home):
    facts = SlateFacts(
        t=9,
        user={"user_recent__clicked_item_ids": items, "user_recent__clicked_at": instants},
    )
    assortment = Assortment(pa.table({"item_id": ["a", "b", "c"]}), SHOP)
    question = Question("r", 9, user_id="u")
    return Sources(
        ModelShelf(home, SHOP),
        question,
        Wanted(SURFACES["again"]),
        facts,
        assortment,
        sellable(assortment, question.market),
    ).ask("past")


def test_what_was_bought_at_once_counts_alike_and_what_was_bought_twice_counts_twice(home: Home):
    found = past_of(["a", "b", "c", "b"], [5, 5, 5, 1], home)

    assert found.item_ids == ["b", "a", "c"]
    assert found.scores == pytest.approx([1 + PAST_SHARE, 1, 1])


def test_of_single_clicks_the_newest_comes_first(home: Home):
    found = past_of(["c", "a", "gone", "b"], [7, 5, 3, 1], home)

    assert found.item_ids == ["c", "a", "b"]
    assert found.scores == pytest.approx([1, PAST_SHARE, PAST_SHARE**3])


def test_of_nobody_nothing_is_known(home: Home):
    assert past_of(None, None, home).item_ids == []
