"""An arm is chosen, and logged with its exact probability, whatever can be read."""

import numpy as np
import pytest

from feature_repo.home import HOUR
from feature_repo.online.hydration import AGES
from feature_repo.request_features.context import RequestContext
from serving.bandits import cell_of, choose
from serving.query import Query
from training.bandits import Bandit, Context, Feature, Text

CONTEXT = Context((Text("market", ("uk",)), Text("device", ("mobile",)), Feature("clicks", (1.0,))))
BANDIT = Bandit("banner", ("sale", "new"), "new", context=CONTEXT, floor=0.1, window=HOUR)
QUERY = Query("r", t=7, user_id="u", session_id="s", market="uk")


def test_a_cell_reads_the_market_the_senders_texts_and_features():
    context = RequestContext(t=7, user={"clicks": 3})

    cell = cell_of(BANDIT, QUERY, {"device": "mobile", "market": "de", "clicks": "9"}, context)

    assert CONTEXT.cells[cell].label == "market=uk,device=mobile,clicks=1.."
    assert CONTEXT.cells[cell_of(BANDIT, QUERY, {}, None)].label == "market=uk,device=other,missing"


def test_a_decision_is_logged_with_its_probability_and_the_end_of_its_reward():
    counts = np.zeros((2, 2, AGES + 1), np.int64)
    counts[0, :, 0] = 100, 90
    counts[1, :, 0] = 100, 10

    chosen = [choose(BANDIT, QUERY, 0, counts) for _ in range(200)]

    assert {slot.arm for slot, _ in chosen} == {"sale", "new"}
    for slot, event in chosen:
        assert slot.propensity == pytest.approx({"sale": 0.9, "new": 0.1}[slot.arm])
        assert (event.event_id, event.item_id) == (slot.decision_id, slot.arm)
        assert (event.user_id, event.session_id, event.event_time) == ("u", "s", 7)
        assert event.decision.propensity == slot.propensity
        assert event.decision.reward_until == 7 + HOUR
        assert event.decision.arm_key == f"banner/{slot.context}/{slot.arm}"


def test_without_counts_each_arm_has_the_same_probability():
    slot, event = choose(BANDIT, QUERY, 0, None)

    assert (slot.state, slot.propensity, event.decision.propensity) == ("uniform", 0.5, 0.5)
