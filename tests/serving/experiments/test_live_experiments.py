"""Decisions on experiments take effect on requests: no shopper is treated, or all are."""

import pytest

from feature_repo.home import Home
from feature_repo.shop import Shop
from serving.experiments import LiveExperiments, exposures, treatments_of
from serving.query import Query
from training.experiments import Decision, Variant, write_decisions
from training.rules import Rules

TOML = """
[[experiment]]
name = "rankers"
share = 0.1
unit = "user"

[[experiment.variant]]
name = "control"

[[experiment.variant]]
name = "b"
model = "b"
"""
NOBODY, SOMEBODY = Query("r", 1), Query("r", 1, user_id="u")


@pytest.fixture
def live(tmp_path):
    (tmp_path / "experiments.toml").write_text(TOML)
    return LiveExperiments(Home(tmp_path), Shop.load(tmp_path / "shop.toml"))


def treated(live, query, model_of=str):
    live.reload()
    return treatments_of(live.runnable(model_of), live.holdout, query, None)


def test_a_stopped_experiment_treats_nobody(live):
    users = [Query("r", 1, user_id=f"u{n}") for n in range(100)]
    assert any(treated(live, user) for user in users)

    write_decisions(live.home, {"rankers": Decision("stop", "it lost", "now")})

    assert not any(treated(live, user) for user in users)


@pytest.mark.parametrize("query", [NOBODY, SOMEBODY])
def test_a_shipped_variant_is_for_every_request_and_no_exposure(live, query):
    write_decisions(live.home, {"rankers": Decision("ship", "it won", "now", "b")})

    (treatment,) = treated(live, query)

    assert treatment.variant.name == "b"
    assert exposures([treatment]) == {}


def test_a_shipped_ranker_that_is_not_published_is_not_used(live):
    write_decisions(live.home, {"rankers": Decision("ship", "it won", "now", "b")})

    assert treated(live, SOMEBODY, model_of=lambda name: None) == []


def test_an_undone_decision_lets_the_experiment_run(live):
    write_decisions(live.home, {"rankers": Decision("ship", "it won", "now", "b")})
    write_decisions(live.home, {"rankers": None})

    assert treated(live, NOBODY) == []


def test_a_damaged_file_of_decisions_leaves_the_former_ones(live):
    write_decisions(live.home, {"rankers": Decision("ship", "it won", "now", "b")})
    assert treated(live, NOBODY)

    (live.home.root / "experiment_decisions.json").write_text("{")

    assert treated(live, NOBODY)


def test_rules_of_variants_add_up(live):
    first, second = (
        Variant("x", **changes)
        for changes in ({"diversity": 0.4}, {"exploration": {"share": 0.1, "slots": [3]}})
    )

    rules = live.rules_of([first, second], Rules())

    assert rules.diversity.weight == 0.4
    assert rules.exploration.slots == (3,)


TWO = """
[[experiment]]
name = "first"
buckets = [0, 4999]
unit = "user"
variant = [{ name = "control" }, { name = "b", model = "b" }]

[[experiment]]
name = "second"
buckets = [5000, 9999]
unit = "user"
variant = [{ name = "control" }, { name = "c", model = "c" }]
"""


def test_a_shipped_variant_leaves_out_whom_another_experiment_of_its_layer_treats(live):
    live.file.path.write_text(TWO)
    users = [Query("r", 1, user_id=f"u{n}") for n in range(200)]
    before = [[t.experiment.name for t in treated(live, user)] for user in users]
    assert {name for (name,) in before} == {"first", "second"}

    write_decisions(live.home, {"first": Decision("ship", "it won", "now", "b")})

    assert [[t.experiment.name for t in treated(live, user)] for user in users] == before
    assert [t.variant.name for t in treated(live, NOBODY)] == ["b"]


def test_rules_of_a_variant_that_are_removed_stay_in_use(live):
    (live.home.root / "b.toml").write_text("[diversity]\nweight = 0.7\n")
    live.file.path.write_text(TOML.replace('model = "b"', 'rules = "b.toml"'))
    live.reload()
    variant = live.file.value.declared.experiments[0].variants[1]

    (live.home.root / "b.toml").unlink()
    live.reload()

    assert live.rules_of([variant], Rules()).diversity.weight == 0.7
