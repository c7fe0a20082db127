"""The experiments of the home, with the rules of their variants, read again when they change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from feature_repo.home import Home, SettingError
from feature_repo.shop import Shop
from serving.state import WatchedFile
from training.experiments import (
    DECISIONS_FILE,
    EXPERIMENTS_FILE,
    Decision,
    Experiment,
    Experiments,
    Variant,
    read_decisions,
)
from training.rules import Rules


@dataclass(frozen=True)
class Loaded:
    """One version of the file: its experiments, and the watched files of rules that they name."""

    declared: Experiments = field(default_factory=Experiments)
    rules: Mapping[str, WatchedFile[Rules]] = field(default_factory=dict)


@dataclass
class LiveExperiments:
    """The experiments of `experiments.toml` that can run now.

    Attributes:
        file: the watched file; an invalid new version is refused as a whole.
        decisions: what was decided on experiments.
    """

    home: Home
    shop: Shop
    file: WatchedFile[Loaded] = field(init=False)
    decisions: WatchedFile[dict[str, Decision]] = field(init=False)

    def __post_init__(self) -> None:
        path = self.home.root / DECISIONS_FILE
        self.decisions = WatchedFile("decisions", path, read_decisions, {})
        path = self.home.root / EXPERIMENTS_FILE
        self.file = WatchedFile("experiments", path, self._load, Loaded())

    def reload(self) -> None:
        """Load the file and the files of rules that it names, if they changed."""
        self.file.reload()
        self.decisions.reload()
        for watched in self.file.value.rules.values():
            watched.reload()

    @property
    def holdout(self) -> float:
        """Share of the shoppers that no experiment treats."""
        return self.file.value.declared.holdout

    def runnable(self, model_of: Callable[[str], object | None]) -> list[Experiment]:
        """Return the experiments that were not stopped, and all of whose models are published.

        Without one of them, the shoppers of its variant would get what those of the control get.
        A shipped experiment has one variant.

        Args:
            model_of: returns the published model of a name, or None.
        """
        return [
            experiment
            for experiment in map(self._decided, self.file.value.declared.experiments)
            if experiment.variants
            and all(v.model is None or model_of(v.model) for v in experiment.variants)
        ]

    def _decided(self, experiment: Experiment) -> Experiment:
        """Return an experiment as it was decided; a stopped one has no variant."""
        decision = self.decisions.value.get(experiment.name)
        return experiment if decision is None else experiment.shipped(decision.variant)

    def rules_of(self, variants: Sequence[Variant], default: Rules) -> Rules:
        """Return the rules of variants of different experiments; `default` are the shop's."""
        rules, files = default, self.file.value.rules
        for variant in variants:
            if variant.rules is not None:
                rules = files[variant.rules].value
        for variant in variants:
            rules = rules.changed(variant.diversity, variant.exploration)
        return rules

    def _load(self, path: Path) -> Loaded:
        """Read the experiments, and the rules that they name.

        Raises:
            SettingError: a file is missing or wrong.
        """
        experiments = Experiments.load(path)
        variants = [variant for each in experiments.experiments for variant in each.variants]
        names = {variant.rules for variant in variants if variant.rules is not None}
        for variant in variants:
            Rules().changed(variant.diversity, variant.exploration)
        return Loaded(experiments, {name: self._watched(path.with_name(name)) for name in names})

    def _watched(self, path: Path) -> WatchedFile[Rules]:
        return WatchedFile("rules", path, self._rules_at, self._rules_at(path))

    def _rules_at(self, path: Path) -> Rules:
        """Read the rules of a variant.

        Raises:
            SettingError: the file is missing or wrong.
        """
        if not path.exists():
            raise SettingError(f"{path}: expected the rules of a variant, found no file.")
        return Rules.load(path, self.shop)
