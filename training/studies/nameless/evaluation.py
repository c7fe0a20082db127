"""Measure a ranker on visits without a name, and on the same visits with their name.

Half of the sessions of the log lose their users' names.  The chosen trial is fitted on all but the
test split of both logs, the given one and the one without these names.  Each ranker is measured on
its own log, on the same test slates: those of the nameless sessions.  Test is measured once for a
dataset and trial; later calls return the logged result.  Each training is stored when it is done,
so that an interrupted command continues from there.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from feature_repo.home import DatasetError, Home, replacing
from training.artifacts import sha256
from training.dataset import TEST, TRAIN, VALIDATE, Dataset, LazyDataset, Progress, build_dataset
from training.evaluation import count_look
from training.metrics import (
    Bools,
    Floats,
    Interval,
    check_trainings,
    ndcg,
    slate_starts,
    slice_intervals,
    spread_of,
    without_nan,
)
from training.ranker import BASELINES, RATE, SEED, Trial, in_random_order, refit, users_of
from training.studies.nameless.traffic import without_names

FILE = "nameless.json"
NAMELESS, NAMED, DIFFERENCE = "nameless", "named", "nameless − named"
ENOUGH = "3 clicks or more"
CLICKS = {
    "any": (0, np.inf),
    "no click": (0, 0),
    "1 or 2 clicks": (1, 2),
    ENOUGH: (3, np.inf),
}
"""Name → lowest and highest number of clicks of the visit before the ranking."""


@dataclass(frozen=True)
class VisitFigures:
    """Figures of ndcg@10 over the nameless test slates with some clicks before them.

    Attributes:
        name: the number of clicks.
        rankings, visits: numbers of slates and of sessions.
        metrics: of both rankers and of the smoothed click rate; the gain of each ranker over that
            rate, and the difference of the gains, paired.
        share: the nameless gain divided by the named one.
    """

    name: str
    rankings: int
    visits: int
    metrics: dict[str, Interval]
    share: float | None


@dataclass(frozen=True)
class _World:
    """A log's dataset, and its test slates that are nameless in the other log.

    Attributes:
        rate: shape (Q,), ndcg@10 of the smoothed click rate.
    """

    learned: Dataset
    test: Dataset
    rate: Floats

    @classmethod
    def of(cls, data: Dataset, requests: npt.NDArray[Any]) -> "_World":
        test = data.part(TEST)
        test = test.rows(np.isin(test.column("request_id"), requests))
        return cls(data.part(TRAIN, VALIDATE), test, _ndcg(BASELINES[RATE](test), test))

    def ranker(self, chosen: Trial, number: int) -> Floats:
        """Fit training `number` and return its ndcg@10 on the test slates, shape (Q,)."""
        rows = in_random_order(self.learned, number) if number else self.learned
        return _ndcg(refit(chosen.with_seed(SEED + number), rows).scores(self.test), self.test)


def evaluate_nameless(
    home: Home,
    dataset: Path,
    training: Mapping[str, Any],
    out: Path,
    trainings: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Measure the chosen trial on nameless visits; log the result in the folder `out`.

    Args:
        home: whose log loses names.
        dataset: of this log, with the default gains.
        training: contains the chosen trial, as `training.json` does.
        out: folder of the result.
        trainings: fit this many times with other seeds and row orders, and add the spread.
        progress: called with the trainings of each log.

    Raises:
        DatasetError: the dataset has other labels than the log, or no nameless visit in test.
        SettingError: a single training.
    """
    if trainings is not None:
        check_trainings(trainings)
    identity = {"dataset": sha256(dataset), "trial": training["chosen"], "trainings": trainings}
    logged = _logged(out / FILE)
    if logged.get("identity") == identity:
        return logged
    model = f"nameless {_digest(identity)}"
    count_look(home, model, dataset, LazyDataset.open(dataset).part(TEST))
    done = out / "nameless-trainings" / _digest(identity["dataset"], training["chosen"])
    with tempfile.TemporaryDirectory(dir=out) as folder:
        scratch = without_names(home, Home(Path(folder)))
        nameless = scratch.datasets / "ranking.parquet"
        build_dataset(scratch, nameless)
        figures = measure(dataset, nameless, training, trainings, progress, done)
    table = {"identity": identity, **figures}
    (out / FILE).write_text(json.dumps(table, indent=1) + "\n")
    return table


def _digest(*inputs: Any) -> str:
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:16]


def measure(
    named: Path,
    nameless: Path,
    training: Mapping[str, Any],
    trainings: int | None = None,
    progress: Progress | None = None,
    done: Path | None = None,
) -> dict[str, Any]:
    """Measure the chosen trial on the test slates that have a user in the first dataset alone.

    Args:
        named, nameless: the datasets of both logs.
        training, trainings, progress: see `evaluate_nameless`.
        done: folder of the trainings that an earlier call has finished on the same data.

    Raises:
        DatasetError: the datasets have other labels, or there is no such slate with a gain.
    """
    data = {NAMELESS: LazyDataset.open(nameless), NAMED: LazyDataset.open(named)}
    requests = _nameless_requests(data[NAMED], data[NAMELESS])
    worlds = {name: _World.of(each, requests) for name, each in data.items()}
    chosen = Trial.from_dict(training["chosen"])
    values = _fitted(worlds, chosen, trainings or 1, progress, done)
    figures = _figures(worlds, {name: each[0] for name, each in values.items()})
    return {
        "visits": [without_nan(asdict(one)) for one in figures],
        "trainings": _spreads(worlds, values) if trainings else {},
    }


def _nameless_requests(named: Dataset, nameless: Dataset) -> npt.NDArray[Any]:
    """Return the test requests with a gain that have a user in the first log alone.

    Raises:
        DatasetError: the logs have other labels, or there is no such request.
    """
    if not all(
        np.array_equal(named.column(name), nameless.column(name))
        for name in ("request_id", "item_id", "gain")
    ):
        raise DatasetError(
            "Expected a dataset with the slates and gains of the whole log; this one has others. "
            "Run `aisle train` without --gains and --horizon-days."
        )
    test = nameless.part(TEST).with_gain()
    requests = test.column("request_id")[slate_starts(test.column("qid"))]
    with_user = [_requests_with_user(one.part(TEST)) for one in (named, nameless)]
    changed = requests[np.isin(requests, with_user[0]) & ~np.isin(requests, with_user[1])]
    if not changed.size:
        raise DatasetError(
            "Expected rankings with a user, a session and a click in the test split, found none."
        )
    return changed


def _requests_with_user(data: Dataset) -> npt.NDArray[Any]:
    return np.asarray(data.column("request_id")[data.column("user_id") != None])  # noqa: E711


def _fitted(
    worlds: Mapping[str, _World],
    chosen: Trial,
    count: int,
    progress: Progress | None,
    done: Path | None,
) -> dict[str, list[Floats]]:
    """Return the ndcg@10 of each training on the test slates of its own log."""
    values: dict[str, list[Floats]] = {name: [] for name in worlds}
    for number in range(count):
        for name, world in worlds.items():
            if progress:
                progress(sum(map(len, values.values())), count * len(worlds))
            file = done and done / f"{name}-{number}.npy"
            if file is not None and file.exists():
                values[name].append(np.load(file))
                continue
            values[name].append(world.ranker(chosen, number))
            if file is not None:
                with replacing(file) as temporary, temporary.open("wb") as stream:
                    np.save(stream, values[name][-1])
    return values


def _figures(worlds: Mapping[str, _World], values: Mapping[str, Floats]) -> list[VisitFigures]:
    columns = {
        **values,
        RATE: worlds[NAMELESS].rate,
        **{f"{name} gain": values[name] - world.rate for name, world in worlds.items()},
    }
    columns[DIFFERENCE] = columns[f"{NAMELESS} gain"] - columns[f"{NAMED} gain"]
    test = worlds[NAMELESS].test
    visits = test.column("session_id")[slate_starts(test.column("qid"))]
    # The users of the other log: visits of one user resemble each other.
    users = users_of(worlds[NAMED].test)
    return [
        VisitFigures(
            name,
            rankings=int(chosen.sum()),
            visits=int(np.unique(visits[chosen]).size),
            metrics=slice_intervals(
                {column: each[chosen] for column, each in columns.items()}, users[chosen]
            ),
            share=_share(*(float(columns[f"{name} gain"][chosen].mean()) for name in worlds)),
        )
        for name, chosen in _by_clicks(test).items()
        if chosen.any()
    ]


def _by_clicks(test: Dataset) -> dict[str, Bools]:
    """Return name → slates with so many clicks of the visit before them, shape (Q,)."""
    clicks = test.column("user_engagement__clicks_all")[slate_starts(test.column("qid"))]
    clicks = np.nan_to_num(clicks)
    return {name: (low <= clicks) & (clicks <= high) for name, (low, high) in CLICKS.items()}


def _share(nameless: float, named: float) -> float | None:
    """Return the part of the named gain that remains; None where there is none."""
    return nameless / named if named > 0 else None


def _spreads(
    worlds: Mapping[str, _World], values: Mapping[str, Sequence[Floats]]
) -> dict[str, Any]:
    """Return the spread of the gains after enough clicks, and of the share, over the trainings."""
    enough = _by_clicks(worlds[NAMELESS].test)[ENOUGH]
    gains = {
        name: [float((each - world.rate)[enough].mean()) for each in values[name]]
        for name, world in worlds.items()
    }
    shares = [nameless / named for nameless, named in zip(*gains.values(), strict=True)]
    spreads = {f"{name} gain": spread_of(each).to_dict() for name, each in gains.items()}
    return {"count": len(shares), **spreads, "share": spread_of(shares).to_dict()}


def _ndcg(scores: npt.ArrayLike, test: Dataset) -> Floats:
    return ndcg(scores, test.column("gain"), test.column("qid"))


def _logged(path: Path) -> dict[str, Any]:
    try:
        table: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return table
