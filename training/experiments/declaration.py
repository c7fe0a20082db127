"""Experiments of a shop, from the home's `experiments.toml`.

    holdout = 0.02                      # share of the shoppers that no experiment treats

    [[experiment]]
    name = "new-ranker"
    layer = "ranking"                   # experiments of one layer exclude each other
    unit = "user"                       # user, session, or first: the user, else the session
    share = 0.5                         # of the shoppers; or buckets = [0, 4999] of 10,000
    market = ["uk"]                     # when: all optional
    surface = ["search", "home"]
    from = 2026-12-01T00:00:00Z
    until = 2026-12-15T00:00:00Z

    [[experiment.variant]]              # the first variant is the control
    name = "control"

    [[experiment.variant]]
    name = "candidate"
    weight = 1.0
    model = "candidate"                 # a published ranker, in place of the default one
    rules = "rules-b.toml"              # in place of rules.toml
    diversity = 0.3                     # weight, in place of that of the rules
    exploration = { share = 0.1, slots = [5] }
    sources = { similar = 2.0, popular = 0 }    # weights of candidate sources; 0 leaves one out

    [[experiment]]
    name = "two-rankers"
    kind = "interleaving"               # one page of both variants; ab (the default): one of them
    draft = "team"                      # how they fill it (the default), or optimized
    variant = [{ name = "control" }, { name = "candidate", model = "candidate" }]

    [experiment.decision]               # how the report decides; see docs/experiments.md
    metric = "revenue_per_unit"

The file is checked when it is loaded; a file with an error is rejected as a whole.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from feature_repo.home import (
    EventError,
    SettingError,
    check_keys,
    number_of,
    read_toml,
)
from training.experiments.experiment import (
    BUCKETS,
    INTERLEAVED,
    OVERRIDES,
    Drafting,
    Experiment,
    Kind,
    Unit,
    Variant,
)
from training.experiments.occasion import Occasion
from training.retrieval.indexes import LEXICAL
from training.retrieval.sources import source_specs

EXPERIMENTS_FILE = "experiments.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE = re.compile(r"[\w-]+\.toml")
_OCCASION = {"market", "surface", "from", "until"}
_WHO = {"layer", "unit", "share", "buckets"}
_EXPERIMENT = {"name", "kind", "draft", "variant", "decision", *_WHO, *_OCCASION}
_VARIANT = {"name", "weight", *OVERRIDES}
_MOST_WEIGHT = 1000.0
_OF_ORDER = frozenset({"model", "diversity"})
"""Settings that change the order of candidates, and not which there are."""


@dataclass(frozen=True)
class Experiments:
    """All experiments of a shop, in the order of the file.

    Attributes:
        holdout: share of the shoppers that no experiment treats.
    """

    experiments: tuple[Experiment, ...] = ()
    holdout: float = 0.0

    @classmethod
    def load(cls, path: Path) -> "Experiments":
        """Read and check a file; without a file there are no experiments.

        Raises:
            SettingError: names the error and its position in the file.
        """
        table = read_toml(path)
        try:
            check_keys(table, {"holdout", "experiment"}, "the file")
            experiments = tuple(
                _experiment(each, f"experiment {n}")
                for n, each in enumerate(table.get("experiment", []), 1)
            )
            _check_together(experiments)
            return cls(experiments, number_of(table.get("holdout", 0.0), "holdout", 0, 1))
        except (EventError, TypeError, ValueError) as error:
            raise SettingError(f"{path}: {error}") from None

    def get(self, name: str) -> Experiment:
        """Return an experiment.

        Raises:
            SettingError: there is none of this name.
        """
        for experiment in self.experiments:
            if experiment.name == name:
                return experiment
        names = ", ".join(each.name for each in self.experiments) or "none"
        raise SettingError(f"experiment {name!r}: expected one of {EXPERIMENTS_FILE}: {names}.")


def _experiment(table: Mapping[str, Any], path: str) -> Experiment:
    check_keys(table, _EXPERIMENT, path)
    name = _name(table.get("name"), f"{path}.name")
    path = f"experiment {name!r}"
    unit: Any = table.get("unit", "first")
    if unit not in get_args(Unit):
        raise EventError(f"{path}.unit", f"one of {', '.join(get_args(Unit))}", repr(unit))
    variants = tuple(_variant(each, path) for each in table.get("variant", []))
    names = [variant.name for variant in variants]
    if len(variants) < 2 or len({*names}) < len(names):
        raise EventError(f"{path}.variant", "two or more of different names", f"{names}")
    if not any(variant.weight for variant in variants):
        raise EventError(f"{path}.variant", "a weight above 0", "none")
    decision = table.get("decision", {})
    if not isinstance(decision, dict):
        raise EventError(f"{path}.decision", "a table", repr(decision))
    kind = _kind(table, variants, path)
    return Experiment(
        name,
        _name(table.get("layer", "default"), f"{path}.layer"),
        unit,
        _buckets(table, path),
        variants,
        Occasion.of(table, path),
        decision,
        kind=kind,
        draft=_draft(table, kind, path),
    )


def _kind(table: Mapping[str, Any], variants: Sequence[Variant], path: str) -> Kind:
    kind = table.get("kind", "ab")
    if kind not in get_args(Kind):
        raise EventError(f"{path}.kind", f"one of {', '.join(get_args(Kind))}", kind)
    if kind == "interleaving":
        _check_interleaving(variants, path)
        return "interleaving"
    return "ab"


def _draft(table: Mapping[str, Any], kind: Kind, path: str) -> Drafting:
    draft: Any = table.get("draft", "team")
    if draft not in get_args(Drafting):
        raise EventError(f"{path}.draft", f"one of {', '.join(get_args(Drafting))}", draft)
    if "draft" in table and kind != "interleaving":
        raise EventError(f"{path}.draft", "an experiment of kind interleaving", kind)
    drafting: Drafting = draft
    return drafting


def _check_interleaving(variants: Sequence[Variant], path: str) -> None:
    """Check that the variants can fill one page together.

    Raises:
        EventError: names the variant that cannot.
    """
    if len(variants) != 2:
        raise EventError(f"{path}.variant", "two, which fill a page together", len(variants))
    for variant in variants:
        if variant.name == INTERLEAVED.name:
            raise EventError(f"{path}.variant", "another name", variant.name)
        if variant.weight != 1:
            expected = "no weight, because both variants fill each page"
            raise EventError(f"{path}.{variant.name}.weight", expected, str(variant.weight))
        if others := variant.changes - _OF_ORDER:
            expected = "only model and diversity, which order the same candidates"
            raise EventError(f"{path}.{variant.name}", expected, ", ".join(sorted(others)))


def _variant(table: Mapping[str, Any], path: str) -> Variant:
    check_keys(table, _VARIANT, f"{path}.variant")
    name = _name(table.get("name"), f"{path}.variant.name")
    path = f"{path}.{name}"
    rules, diversity, model = table.get("rules"), table.get("diversity"), table.get("model")
    if model is not None and not (isinstance(model, str) and model):
        raise EventError(f"{path}.model", "the name of a published ranker", repr(model))
    if rules is not None and not (isinstance(rules, str) and _FILE.fullmatch(rules)):
        raise EventError(f"{path}.rules", "a file of the home such as rules-b.toml", repr(rules))
    exploration = table.get("exploration")
    if exploration is not None:
        check_keys(exploration, {"share", "slots", "temperature"}, f"{path}.exploration")
    return Variant(
        name,
        number_of(table.get("weight", 1.0), f"{path}.weight", 0, _MOST_WEIGHT),
        model,
        rules,
        None if diversity is None else number_of(diversity, f"{path}.diversity", 0, 1),
        exploration,
        _sources(table.get("sources", {}), f"{path}.sources"),
    )


def _sources(table: Any, path: str) -> dict[str, float]:
    check_keys(table, source_specs(), path)
    if table.get(LEXICAL) == 0:
        raise EventError(f"{path}.{LEXICAL}", "a weight above 0, because a search needs it", "0")
    return {
        name: number_of(weight, f"{path}.{name}", 0, _MOST_WEIGHT) for name, weight in table.items()
    }


def _buckets(table: Mapping[str, Any], path: str) -> tuple[int, int]:
    """Return the first and the last bucket; the last is below the first where there is none."""
    buckets = table.get("buckets")
    if buckets is None:
        share = number_of(table.get("share", 1.0), f"{path}.share", 0, 1)
        return 0, round(share * BUCKETS) - 1
    if "share" in table:
        raise EventError(path, "either share or buckets", "both")
    if not isinstance(buckets, list) or len(buckets) != 2:
        raise EventError(f"{path}.buckets", "the first and the last bucket", repr(buckets))
    first, last = (number_of(each, f"{path}.buckets", 0, BUCKETS - 1) for each in buckets)
    if first > last:
        raise EventError(f"{path}.buckets", "a first bucket up to the last", repr(buckets))
    return int(first), int(last)


def _name(value: Any, path: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise EventError(path, "a name of a–z, 0–9, - and _, at most 64", repr(value))
    return value


def _check_together(experiments: Sequence[Experiment]) -> None:
    """Check that no request could get two values of one setting.

    Raises:
        EventError: two experiments have one name, or share buckets, or change the same setting.
    """
    for n, one in enumerate(experiments):
        for other in experiments[:n]:
            path = f"experiment {one.name!r}"
            if one.name == other.name:
                raise EventError(path, "a unique name", "two experiments")
            if one.layer == other.layer:
                if one.buckets[0] <= other.buckets[1] and other.buckets[0] <= one.buckets[1]:
                    expected = f"buckets that {other.name!r} of the same layer does not use"
                    raise EventError(path, expected, f"{[*one.buckets]} and {[*other.buckets]}")
            elif common := one.changes & other.changes:
                expected = f"settings that {other.name!r} of another layer does not change"
                raise EventError(path, expected, ", ".join(sorted(common)))
