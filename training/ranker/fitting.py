"""Choose the ranker's configuration and what it makes of clicks, then fit it on all but test.

The configuration of the trees is the one with which the naive variant does best on the validation
split, which lies after the training split in time; then the variants are judged
(`training.ranker.selection`) and the chosen one is fitted on both splits.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from feature_repo.home import DatasetError
from training.dataset import TRAIN, VALIDATE, Dataset, Progress
from training.metrics import ndcg
from training.ranker.calibration import Calibration, calibrate
from training.ranker.click_model import Bools, curves_by
from training.ranker.configuration import GRID, Configuration
from training.ranker.gate import Gate, check_gate
from training.ranker.ranker import Ranker
from training.ranker.selection import (
    FEWEST_SLATES,
    RANDOMIZED,
    VALIDATION,
    Selection,
    outcomes_of,
    select,
    unbiased_gain,
)
from training.ranker.variants import (
    BLENDED,
    EXAMINED,
    FITTED,
    NAIVE,
    Fitted,
    blend,
    fit,
    shown_of,
    shuffled,
    wanted,
)

_LARGEST_SLICE = 0.5
"""Share of the rows; a log that is drawn at random throughout has no slice to hold out."""

GROUPS = ("device", "market")
"""Columns by which the examination is told, where the dataset has them."""


@dataclass(frozen=True)
class Trial:
    """One configuration, judged on the validation split; `parts` are what was blended."""

    variant: str
    configuration: Configuration
    rounds: int
    ndcg_at_10: float
    parts: tuple["Trial", ...] = ()

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> "Trial":
        """Read what `to_dict` returned."""
        return cls(
            variant=table["contender"],
            configuration=Configuration(**table["configuration"]),
            rounds=table["rounds"],
            ndcg_at_10=table["ndcg_at_10"],
            parts=tuple(map(cls.from_dict, table["parts"])),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "contender": self.variant,
            "configuration": asdict(self.configuration),
            "rounds": self.rounds,
            "ndcg_at_10": self.ndcg_at_10,
            "parts": [part.to_dict() for part in self.parts],
        }


@dataclass(frozen=True)
class Training:
    """How a ranker was chosen.

    Attributes:
        trials: every configuration tried.
        chosen: the one that was fitted on both splits.
        selection: of the variant.
        gate: whether it may be published.
        rankings: with a gain, by split.
        examination: curves of the examined variant, by column and value, and of all.
        outcomes: variant → outcome → ndcg@10, where judged, gains being over examination.
        calibration_error: of probabilities made of the chosen variant's scores.
    """

    trials: tuple[Trial, ...]
    chosen: Trial
    selection: Selection
    gate: Gate
    rankings: dict[str, int]
    examination: dict[str, Any]
    outcomes: dict[str, dict[str, float]]
    calibration_error: float

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "trials": [trial.to_dict() for trial in self.trials],
            "chosen": self.chosen.to_dict(),
            "choice": self.selection.to_dict(),
            "verdict": asdict(self.gate),
            "rankings": self.rankings,
            "examination": self.examination,
            "outcomes": self.outcomes,
            "calibration_error": self.calibration_error,
        }


def choose_and_fit(
    data: Dataset, progress: Progress | None = None, grid: tuple[Configuration, ...] = GRID
) -> tuple[Ranker, Training]:
    """Try every configuration and variant, fit the best on training and validation split.

    Raises:
        DatasetError: no ranking with a gain in one of the two splits.
    """
    known = data.part(TRAIN, VALIDATE)
    sliced = _randomized_slice(known)
    taught, checked = (_some(known.rows(~sliced).part(split), split) for split in (TRAIN, VALIDATE))
    fitted, trials = {}, []
    for number, (one, trial) in enumerate(_tried(taught, checked, grid), start=1):
        trials.append(trial)
        if trial == best_of(trials, trial.variant):
            fitted[trial.variant] = one
        if progress:
            progress(number, len(grid) + len(FITTED) - 1)
    fitted[BLENDED] = blend(fitted[NAIVE], fitted[EXAMINED], taught)
    parts = tuple(best_of(trials, name) for name in (NAIVE, EXAMINED))
    trials.append(_trial(fitted[BLENDED], parts[0].configuration, checked, parts))
    judged = (known.rows(sliced), RANDOMIZED) if sliced.any() else (checked, VALIDATION)
    selection = select(fitted, *judged)
    chosen = best_of(trials, selection.variant)
    booster = refit(chosen, known).booster
    calibration = _calibration(fitted[selection.variant], fitted[EXAMINED], judged[0])
    counts = {split: _wanted_slates(part) for split, part in ((TRAIN, taught), (VALIDATE, checked))}
    gain = unbiased_gain(judged[0], fitted[EXAMINED])
    gate = check_gate(judged[0], fitted[selection.variant].scores(judged[0]), gain, judged[1])
    training = Training(
        trials=tuple(trials),
        chosen=chosen,
        selection=selection,
        gate=gate,
        rankings=counts,
        examination=_examination(fitted[EXAMINED], taught),
        outcomes=outcomes_of(fitted, judged[0]),
        calibration_error=calibration.error,
    )
    return Ranker(data.facts.columns, data.facts.prior, booster, calibration), training


def refit(trial: Trial, data: Dataset) -> Fitted:
    """Fit what was tried on more rows, with as many trees."""
    if trial.parts:
        naive, examined = (refit(part, data) for part in trial.parts)
        return blend(naive, examined, data)
    return fit(trial.variant, trial.configuration, data, rounds=trial.rounds)


def best_of(trials: Iterable[Trial], variant: str) -> Trial:
    """The variant's best trial, the first of equals."""
    return max((t for t in trials if t.variant == variant), key=lambda t: t.ndcg_at_10)


def _tried(
    taught: Dataset, checked: Dataset, grid: tuple[Configuration, ...]
) -> Iterator[tuple[Fitted, Trial]]:
    """Every configuration of the naive variant, then the others with the best of them."""
    best: Trial | None = None
    for configuration in grid:
        one, trial = try_configuration(NAIVE, configuration, taught, checked)
        if best is None or trial.ndcg_at_10 > best.ndcg_at_10:
            best = trial
        yield one, trial
    assert best is not None
    for variant in FITTED:
        if variant != NAIVE:
            yield try_configuration(variant, best.configuration, taught, checked)


def try_configuration(
    variant: str, configuration: Configuration, taught: Dataset, checked: Dataset
) -> tuple[Fitted, Trial]:
    """Fit until the rows to check stop gaining, and measure on them."""
    fitted = fit(variant, configuration, taught, checked=checked)
    return fitted, _trial(fitted, configuration, checked)


def _trial(
    fitted: Fitted, configuration: Configuration, checked: Dataset, parts: tuple[Trial, ...] = ()
) -> Trial:
    unseen = shuffled(checked)
    gain, qid = unseen.column("gain"), unseen.column("qid")
    value = float(np.nanmean(ndcg(fitted.scores(unseen), gain, qid)))
    return Trial(fitted.variant, configuration, fitted.rounds, value, parts)


def _randomized_slice(data: Dataset) -> Bools:
    """Shape (R,): the rows held out to judge; none where too few of them have a gain."""
    if "randomized" not in data.keys.column_names:
        return np.zeros(data.size, bool)
    sliced = data.column("randomized").astype(bool)
    enough = _wanted_slates(data.rows(sliced)) >= FEWEST_SLATES
    return sliced & (enough and sliced.mean() <= _LARGEST_SLICE)


def _some(data: Dataset, split: str) -> Dataset:
    if not _wanted_slates(data):
        raise DatasetError(
            f"The {split} split has no ranking with a click among its "
            f"{np.unique(data.column('qid')).size}; "
            "more events, or interactions that name their ranking, are needed."
        )
    return data


def _wanted_slates(data: Dataset) -> int:
    return int(np.unique(data.column("qid")[wanted(data)]).size)


def _calibration(chosen: Fitted, examined: Fitted, data: Dataset) -> Calibration:
    """Fitted on the earlier half of the slates judged, its error measured on the later half."""
    assert examined.objective is not None
    qid = data.column("qid")
    return calibrate(
        scores=chosen.scores(data).astype(np.float64),
        clicked=data.column("gain") > 0,
        seen=examined.objective.examination.of(shown_of(data)),
        held_out=qid > np.median(qid),
    )


def _examination(fitted: Fitted, data: Dataset) -> dict[str, Any]:
    """The curve over all slates and those of each group."""
    assert fitted.objective is not None
    known, shown = fitted.objective.examination, shown_of(data)
    relevance = fitted.objective.relevance(fitted.scores(data))
    groups = {name: data.column(name) for name in GROUPS if name in data.keys.column_names}
    whole = [round(float(p), 4) for p in known.curve(shown)]
    return {"all": whole, **curves_by(groups, shown, relevance, known)}
