"""Choose a configuration and a variant on the validation split; fit the ranker on all but test.

The naive variant selects the configuration by its result on the validation split, which is later
than the training split.  Then the variants are compared (`training.ranker.selection`), and the
selected one is fitted on both splits.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from feature_repo.home import DatasetError, to_text
from training.artifacts import sha256
from training.dataset import (
    TRAIN,
    VALIDATE,
    Dataset,
    LazyDataset,
    Progress,
    check_sufficiency,
    check_target_leakage,
)
from training.ranker.calibration import Calibration, calibrate
from training.ranker.click_model import Bools, curves_by
from training.ranker.configuration import GRID, Configuration
from training.ranker.contenders import Contenders
from training.ranker.held_out import HELD_OUT, HeldOut
from training.ranker.quantized import FitRows
from training.ranker.ranker import MODEL, TRAINING, Ranker
from training.ranker.selection import (
    FEWEST_SLATES,
    RANDOMIZED,
    VALIDATION,
    Selection,
    examined_of,
    outcomes_of,
    select,
)
from training.ranker.shoppers import instants_of
from training.ranker.variants import (
    CLICK_MODEL,
    NAIVE,
    VARIANTS,
    Fitted,
    fit,
    shown_of,
    sum_of,
    validation_ndcg,
    with_gain,
)

_LARGEST_SLICE = 0.5
"""Maximum share of the rows to hold out; a log that is entirely random has no separate slice."""

GROUPS = ("device", "market")
"""Columns with an examination curve for each value, if the dataset has them."""


@dataclass(frozen=True)
class Trial:
    """One configuration, measured on the validation split; `parts` are the parts of a sum."""

    variant: str
    configuration: Configuration
    rounds: int
    ndcg_at_10: float
    parts: tuple["Trial", ...] = ()

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> "Trial":
        """Read a dict of `to_dict`."""
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

    def with_seed(self, seed: int) -> "Trial":
        """Return the same trial with another seed for its trees."""
        return replace(
            self,
            configuration=replace(self.configuration, seed=seed),
            parts=tuple(part.with_seed(seed) for part in self.parts),
        )


@dataclass(frozen=True)
class Training:
    """How a ranker was chosen.

    Attributes:
        trials: every configuration tried.
        chosen: the one that was fitted on both splits.
        selection: of the variant.
        held_out: scores of slates that the chosen one had not learned from when it was selected.
        rankings: with a gain, by split.
        examination: curves of the click model, by column and value, and over all slates.
        outcomes: variant → outcome → ndcg@10 where variants were compared, gains being over
            examination.
        calibration_error: of the chosen variant's calibrated scores.
        learned_until: instant of the last slate that the ranker has learned from.
    """

    trials: tuple[Trial, ...]
    chosen: Trial
    selection: Selection
    held_out: HeldOut
    rankings: dict[str, int]
    examination: dict[str, Any]
    outcomes: dict[str, dict[str, float]]
    calibration_error: float
    learned_until: str

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "trials": [trial.to_dict() for trial in self.trials],
            "chosen": self.chosen.to_dict(),
            "choice": self.selection.to_dict(),
            "rankings": self.rankings,
            "examination": self.examination,
            "outcomes": self.outcomes,
            "calibration_error": self.calibration_error,
            "learned_until": self.learned_until,
        }


def train(
    dataset: Path,
    out: Path,
    progress: Progress | None = None,
    *,
    grid: tuple[Configuration, ...] = GRID,
    folder: Path | None = None,
) -> Training:
    """Choose a configuration on the validation split, fit it, and write it to the folder `out`.

    Args:
        dataset: file to learn from.
        out: folder to write to.
        progress: called after each trial.
        grid: configurations to compare.
        folder: of the contenders of this dataset (`Contenders`).

    Raises:
        NotEnoughError: too few rankings with a click, or too few users.
        LeakError: a feature contains the future.
    """
    data = _checked(dataset)
    ranker, training = choose_and_fit(data, progress, grid, folder)
    save_trained(ranker, training, dataset, out)
    return training


def fit_contenders(
    dataset: Path,
    folder: Path,
    variants: Iterable[str],
    grid: tuple[Configuration, ...] = GRID,
    progress: Progress | None = None,
) -> tuple[Trial, ...]:
    """Fit variants as `train` does, each with the configurations that it tries, into `folder`.

    Raises:
        NotEnoughError, LeakError: as `train`.
    """
    _, data, validation = _splits(_checked(dataset).part(TRAIN, VALIDATE))
    contenders, trials = Contenders(data, validation, folder), list[Trial]()
    for name in dict.fromkeys((NAIVE, *variants)):
        for configuration in _grid_of(name, grid, trials):
            fitted, value = contenders.fit(name, configuration)
            trials.append(Trial(name, configuration, fitted.rounds, value))
            if progress:
                progress(len(trials), None)
    return tuple(trials)


def _checked(dataset: Path) -> Dataset:
    data = LazyDataset.open(dataset)
    check_sufficiency(data.keys, data.facts.feature_service)
    check_target_leakage(data.part(TRAIN, VALIDATE))
    return data


def save_trained(ranker: Ranker, training: Training, dataset: Path, out: Path) -> None:
    """Write a ranker, how it was trained, and hashes of its trees and of its dataset."""
    ranker.save(out)
    training.held_out.save(out / HELD_OUT)
    hashes = {"model": sha256(out / MODEL), "dataset": sha256(dataset)}
    table = training.to_dict() | {"hashes": hashes}
    (out / TRAINING).write_text(json.dumps(table, indent=1) + "\n")


def choose_and_fit(
    data: Dataset,
    progress: Progress | None = None,
    grid: tuple[Configuration, ...] = GRID,
    folder: Path | None = None,
) -> tuple[Ranker, Training]:
    """Try every configuration and variant, fit the best on training and validation split.

    Args:
        data: rows of all splits; those of the test split are not read.
        progress: called after each trial.
        grid: configurations to compare.
        folder: of the contenders of these rows; None to store none.

    Raises:
        DatasetError: no ranking with a gain in one of the two splits.
    """
    both = data.part(TRAIN, VALIDATE)
    in_slice, train_part, validation = _splits(both)
    contenders = Contenders(train_part, validation, folder)
    fitted, trials = _fit_variants(contenders, train_part, validation, grid, progress)
    compared, name = (
        (both.rows(in_slice), RANDOMIZED) if in_slice.any() else (validation, VALIDATION)
    )
    selection = select(fitted, compared, name)
    selected, click_model = fitted[selection.variant], fitted[CLICK_MODEL]
    chosen = best_of(trials, selection.variant)
    booster = refit(chosen, both).booster
    calibration = _calibration(selected, click_model, compared)
    training = Training(
        trials=trials,
        chosen=chosen,
        selection=selection,
        held_out=_held_out(data, in_slice, selected, click_model),
        rankings={TRAIN: _slates_with_gain(train_part), VALIDATE: _slates_with_gain(validation)},
        examination=_examination(click_model, train_part),
        outcomes=outcomes_of(fitted, compared),
        calibration_error=calibration.error,
        learned_until=to_text(int(instants_of(both).max())),
    )
    ranker = Ranker(
        data.facts.columns, data.facts.prior, booster, calibration, data.facts.feature_service
    )
    return ranker, training


def refit(trial: Trial, data: Dataset) -> Fitted:
    """Fit a trial's configuration on more rows, with as many trees."""
    return _refit(trial, FitRows(data))


def best_of(trials: Iterable[Trial], variant: str) -> Trial:
    """Return the variant's best trial, the first of equal ones."""
    return max((t for t in trials if t.variant == variant), key=lambda t: t.ndcg_at_10)


def _splits(both: Dataset) -> tuple[Bools, Dataset, Dataset]:
    """Return which rows are of the randomized slice, and the two splits without them."""
    in_slice = _randomized_slice(both)
    train_part, validation = (
        _with_some_gain(both.rows(~in_slice).part(split), split) for split in (TRAIN, VALIDATE)
    )
    return in_slice, train_part, validation


def _fit_variants(
    contenders: Contenders,
    data: Dataset,
    validation: Dataset,
    grid: tuple[Configuration, ...],
    progress: Progress | None,
) -> tuple[dict[str, Fitted], tuple[Trial, ...]]:
    """Return every variant fitted with its best configuration, and all trials."""
    fitted: dict[str, Fitted] = {}
    trials: list[Trial] = []
    total = sum(len(_grid_of(name, grid, trials)) for name in VARIANTS if VARIANTS[name].fit)
    for variant in VARIANTS.values():
        if variant.fit is None:
            parts = tuple(best_of(trials, name) for name in variant.parts)
            fitted[variant.name] = sum_of(variant.name, fitted, data)
            one = fitted[variant.name]
            value = validation_ndcg(one, validation)
            trials.append(Trial(variant.name, parts[0].configuration, one.rounds, value, parts))
            continue
        for configuration in _grid_of(variant.name, grid, trials):
            one, value = contenders.fit(variant.name, configuration)
            trial = Trial(variant.name, configuration, one.rounds, value)
            trials.append(trial)
            if trial == best_of(trials, variant.name):
                fitted[variant.name] = one
            if progress:
                progress(len(trials), total)
    return fitted, tuple(trials)


def _refit(trial: Trial, rows: FitRows) -> Fitted:
    if trial.parts:
        fitted = {part.variant: _refit(part, rows) for part in trial.parts}
        return sum_of(trial.variant, fitted, rows.data)
    return fit(trial.variant, trial.configuration, rows, rounds=trial.rounds)


def _grid_of(
    variant: str, grid: tuple[Configuration, ...], trials: list[Trial]
) -> tuple[Configuration, ...]:
    """Return the configurations to try: all, or the best ones of the variants that tried all."""
    if VARIANTS[variant].tries_grid:
        return grid
    tried = [trial for trial in trials if VARIANTS[trial.variant].tries_grid]
    return (max(tried, key=lambda t: t.ndcg_at_10).configuration,) if tried else grid[:1]


def _randomized_slice(data: Dataset) -> Bools:
    """Shape (R,): rows held out to compare variants; none where too few of them have a gain."""
    if "randomized" not in data.keys.column_names:
        return np.zeros(data.size, bool)
    randomized = data.column("randomized").astype(bool)
    enough = _slates_with_gain(data.rows(randomized)) >= FEWEST_SLATES
    return randomized & (enough and randomized.mean() <= _LARGEST_SLICE)


def _held_out(data: Dataset, in_slice: Bools, selected: Fitted, click_model: Fitted) -> HeldOut:
    """Score the randomized slice and the rest of the validation split.

    Args:
        data: the rows of all splits.
        in_slice: whether each row outside the test split is of the randomized slice.
    """
    split = data.column("split")
    randomized = np.zeros(data.size, bool)
    randomized[np.isin(split, (TRAIN, VALIDATE))] = in_slice
    selected_rows = randomized | (split == VALIDATE)
    rows = data.rows(selected_rows)
    return HeldOut(
        rows=np.flatnonzero(selected_rows),
        randomized=randomized[selected_rows],
        scores=selected.scores(rows),
        examined=examined_of(click_model, rows),
    )


def _with_some_gain(data: Dataset, split: str) -> Dataset:
    if not _slates_with_gain(data):
        raise DatasetError(
            f"The {split} split has no ranking with a click among its "
            f"{np.unique(data.column('qid')).size} rankings; "
            "ingest more events, or interactions that name their ranking."
        )
    return data


def _slates_with_gain(data: Dataset) -> int:
    return int(np.unique(data.column("qid")[with_gain(data)]).size)


def _calibration(selected: Fitted, click_model: Fitted, data: Dataset) -> Calibration:
    """Fit on the earlier half of the slates, and measure the error on the later half."""
    qid = data.column("qid")
    return calibrate(
        scores=selected.scores(data).astype(np.float64),
        clicked=data.column("gain") > 0,
        examined=examined_of(click_model, data),
        held_out=qid > np.median(qid),
    )


def _examination(click_model: Fitted, data: Dataset) -> dict[str, Any]:
    """Return the curve over all slates, and one for each value of a group."""
    assert click_model.objective is not None
    examination, shown = click_model.objective.examination, shown_of(data)
    relevance = click_model.objective.relevance(click_model.scores(data))
    groups = {name: data.column(name) for name in GROUPS if name in data.keys.column_names}
    curve = [round(float(p), 4) for p in examination.curve(shown)]
    return {"all": curve, **curves_by(groups, shown, relevance, examination)}
