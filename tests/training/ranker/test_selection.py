"""The blended variant is selected unless another is clearly better."""

from dataclasses import dataclass

import numpy as np
import pytest

from training.dataset import Dataset
from training.ranker import NAIVE, Fitted
from training.ranker.click_objective import ExaminedClicks
from training.ranker.selection import RANDOMIZED, VALIDATION, select
from training.ranker.variants import BLENDED, EXAMINED, UNBIASED, shown_of


@dataclass(frozen=True)
class Column(Fitted):
    """A variant that ranks by the gain plus noise of this scale."""

    noise: float = 0.0
    seed: int = 0

    def scores(self, data):
        chance = np.random.default_rng(self.seed).normal(size=data.size)
        return data.column("gain") + self.noise * chance


@pytest.fixture
def data(make_dataset):
    return Dataset.load(make_dataset(slates=300))


def chosen(data, compared_on, **noise):
    objective = ExaminedClicks(shown_of(data), data.column("gain").astype(float))
    equal = dict.fromkeys((NAIVE, UNBIASED, EXAMINED, BLENDED), 2.0) | noise
    fitted = {
        name: Column(name, None, 1, objective, noise=noise, seed=seed)
        for seed, (name, noise) in enumerate(equal.items())
    }
    return select(fitted, data, compared_on)


@pytest.mark.parametrize("better", [NAIVE, UNBIASED, EXAMINED])
def test_a_clearly_better_variant_is_selected_on_randomized_slates(data, better):
    selection = chosen(data, RANDOMIZED, **{better: 0.5})

    assert selection.variant == better
    assert selection.differences[better].low > 0


@pytest.mark.parametrize("compared_on", [RANDOMIZED, VALIDATION])
def test_a_variant_that_is_better_by_chance_is_not_selected(data, compared_on):
    few = data.rows(data.column("qid") < 40)

    selection = chosen(few, compared_on, **{NAIVE: 1.9, EXAMINED: 1.9})

    assert selection.variant == BLENDED
    assert max(selection.values, key=selection.values.get) != BLENDED


@pytest.mark.parametrize(
    ("better", "expected"), [(NAIVE, NAIVE), (UNBIASED, BLENDED), (EXAMINED, BLENDED)]
)
def test_only_the_naive_variant_can_replace_the_default_on_validation(data, better, expected):
    assert chosen(data, VALIDATION, **{better: 0.5}).variant == expected


def test_the_best_of_several_clearly_better_variants_is_selected(data):
    assert chosen(data, RANDOMIZED, **{NAIVE: 0.7, EXAMINED: 0.3}).variant == EXAMINED
