"""A file of experiments is read whole, or refused whole with the position of the error."""

import re

import pytest

from feature_repo.home import SettingError
from training.experiments import Experiments, Variant

WHOLE = """
holdout = 0.02

[[experiment]]
name = "new-ranker"
layer = "ranking"
unit = "user"
share = 0.5
market = ["uk"]
surface = "search"
from = 2026-12-01T00:00:00Z
until = 2026-12-15T00:00:00Z

[[experiment.variant]]
name = "control"

[[experiment.variant]]
name = "candidate"
weight = 3
model = "candidate"
rules = "rules-b.toml"
diversity = 0.3
exploration = { share = 0.1, slots = [5] }
sources = { similar = 2.0, popular = 0 }

[experiment.decision]
metric = "revenue_per_unit"
"""
TWO = """
[[experiment]]
name = "a"
{first}
[[experiment.variant]]
name = "control"
[[experiment.variant]]
name = "other"
{change}
[[experiment]]
name = "{name}"
{second}
[[experiment.variant]]
name = "control"
[[experiment.variant]]
name = "other"
{other_change}
"""


@pytest.fixture
def load(tmp_path):
    def write_and_load(text):
        path = tmp_path / "experiments.toml"
        path.write_text(text)
        return Experiments.load(path)

    return write_and_load


def two(first="", second="", name="b", change="diversity = 0.1", other_change='rules = "b.toml"'):
    return TWO.format(
        first=first, second=second, name=name, change=change, other_change=other_change
    )


def test_a_whole_file_is_read(load):
    experiments = load(WHOLE)
    (experiment,) = experiments.experiments

    assert experiments.holdout == 0.02
    assert experiments.get("new-ranker") is experiment
    assert (experiment.layer, experiment.unit, experiment.buckets) == ("ranking", "user", (0, 4999))
    assert experiment.variants == (
        Variant("control"),
        Variant(
            "candidate",
            3.0,
            "candidate",
            "rules-b.toml",
            0.3,
            {"share": 0.1, "slots": [5]},
            {"similar": 2.0, "popular": 0.0},
        ),
    )
    assert experiment.changes == {"model", "rules", "diversity", "exploration", "sources"}
    assert experiment.decision == {"metric": "revenue_per_unit"}


def test_without_a_file_there_is_no_experiment(tmp_path):
    assert Experiments.load(tmp_path / "experiments.toml") == Experiments()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"new-ranker"', '"New ranker"', "experiment 1.name: expected a name"),
        ("holdout = 0.02", "holdout = 2", "holdout: expected a number from 0 to 1"),
        ("holdout", "hold_out", "the file: expected only experiment, holdout, found 'hold_out'"),
        ('"user"', '"visitor"', "'new-ranker'.unit: expected one of user, session, first"),
        ("share = 0.5", "share = 1.5", "share: expected a number from 0 to 1"),
        ("share = 0.5", "share = 0.5\nbuckets = [0, 9]", "either share or buckets"),
        ("share = 0.5", "buckets = [9, 0]", "a first bucket up to the last"),
        ("share = 0.5", "buckets = [0, 10000]", "a number from 0 to 9999"),
        ('name = "candidate"\nweight', 'name = "control"\nweight', "two or more of different"),
        ("weight = 3", "weight = -1", "candidate.weight: expected a number"),
        ('"rules-b.toml"', '"../rules.toml"', "candidate.rules: expected a file of the home"),
        ("diversity = 0.3", "diversity = true", "candidate.diversity"),
        ('model = "candidate"', "model = []", "candidate.model: expected the name of a published"),
        ("share = 0.1", "rate = 0.1", "candidate.exploration: expected only"),
        ("similar", "simlar", "candidate.sources: expected only"),
        ("popular = 0", "lexical = 0", "because a search needs it"),
        ("2026-12-01T00:00:00Z", "7", "'new-ranker'.from: expected an instant"),
        ("weight = 3", "wieght = 3", "found 'wieght'"),
    ],
)
def test_a_wrong_file_is_refused_whole_with_the_position(load, old, new, expected):
    assert old in WHOLE

    with pytest.raises(SettingError, match=re.escape(expected)):
        load(WHOLE.replace(old, new, 1))


def test_an_experiment_has_two_variants_at_least(load):
    with pytest.raises(SettingError, match="two or more"):
        load('[[experiment]]\nname = "a"\n[[experiment.variant]]\nname = "control"\n')


def test_experiments_of_one_layer_use_different_buckets(load):
    assert load(two("buckets = [0, 4999]", "buckets = [5000, 9999]")).experiments

    with pytest.raises(SettingError, match="of the same layer does not use"):
        load(two("buckets = [0, 5000]", "buckets = [5000, 9999]"))


def test_experiments_of_two_layers_change_different_settings(load):
    layers = 'layer = "one"', 'layer = "two"'
    assert load(two(*layers)).experiments

    with pytest.raises(SettingError, match="settings that 'a' of another layer does not change"):
        load(two(*layers, other_change="diversity = 0.2"))


def test_two_experiments_have_two_names(load):
    with pytest.raises(SettingError, match="a unique name"):
        load(two("buckets = [0, 9]", "buckets = [10, 19]", name="a"))


def test_an_unknown_experiment_is_an_error_with_the_names(load):
    with pytest.raises(SettingError, match=r"'b': expected one of .*: new-ranker"):
        load(WHOLE).get("b")


INTERLEAVING = """
[[experiment]]
name = "two-rankers"
kind = "interleaving"
share = 0.5

[[experiment.variant]]
name = "control"
diversity = 0.1

[[experiment.variant]]
name = "candidate"
model = "candidate"
"""


def test_an_interleaving_is_read(load):
    (experiment,) = load(INTERLEAVING).experiments

    assert experiment.is_interleaving
    assert [answer.name for answer in experiment.answers] == ["control", "candidate", "interleaved"]
    assert experiment.changes == {"model", "diversity", "exploration"}
    assert experiment.draft == "team"
    assert load(INTERLEAVING.replace("share = 0.5", 'draft = "optimized"')).experiments[
        0
    ].draft == ("optimized")
    shipped = experiment.shipped("candidate")
    assert not shipped.is_interleaving
    assert shipped.answers == shipped.variants


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("share = 0.5", 'draft = "best"', "draft: expected one of team, optimized, found 'best'"),
        ('kind = "interleaving"', 'draft = "team"', "draft: expected an experiment of kind inter"),
        ('"interleaving"', '"mixed"', "kind: expected one of ab, interleaving, found 'mixed'"),
        ('model = "candidate"', 'rules = "b.toml"', "candidate: expected only model and diversity"),
        ('model = "candidate"', "sources = { newest = 2 }", "order the same candidates"),
        ('model = "candidate"', "weight = 2", "candidate.weight: expected no weight"),
        ('name = "control"', 'name = "interleaved"', "variant: expected another name"),
        (
            'model = "candidate"',
            '[[experiment.variant]]\nname = "third"',
            "variant: expected two, which fill a page together, found 3",
        ),
    ],
)
def test_a_wrong_interleaving_is_refused_with_the_position(load, old, new, expected):
    assert old in INTERLEAVING

    with pytest.raises(SettingError, match=re.escape(expected)):
        load(INTERLEAVING.replace(old, new, 1))


def test_two_interleavings_do_not_draft_one_page(load):
    other = INTERLEAVING.replace("two-rankers", "other").replace("diversity = 0.1", "")
    other = other.replace('model = "candidate"', "diversity = 0.3")
    one = INTERLEAVING.replace("diversity = 0.1", "")

    with pytest.raises(SettingError, match="does not change, found 'exploration'"):
        load(one + other.replace("kind", 'layer = "second"\nkind'))
