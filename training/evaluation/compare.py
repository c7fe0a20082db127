"""Compare two rankers on the same test slates."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from feature_repo.home import ArtifactError, Home
from training.artifacts import sha256
from training.dataset import TEST, Dataset, LazyDataset
from training.evaluation.looks import count_look
from training.metrics import Floats, mean_intervals, ndcg
from training.ranker import MODEL, Ranker, users_of


def compare(
    dataset: Path, folder: Path, other: Path, *, home: Home | None = None
) -> dict[str, Any]:
    """Compare two rankers by ndcg@10 on the test split, with paired intervals.

    Args:
        dataset: file that the ranker was trained on.
        folder: of the ranker.
        other: folder of another ranker, of this or an older catalogue; it must not have learned
            from the test split.
        home: counts the looks at the test rankings of its log; None for data of no home.

    Raises:
        ArtifactError: one of them is damaged, or reads a column that the dataset lacks.
    """
    test = LazyDataset.open(dataset).part(TEST)
    if home is not None:
        count_look(home, sha256(other / MODEL), dataset, test)
    data = test.with_gain()
    values, other_values = (_values(data, one) for one in (folder, other))
    intervals = mean_intervals(
        {"ranker": values, "other": other_values, "difference": values - other_values},
        users_of(data),
    )
    return {
        "folder": str(other),
        "model": sha256(other / MODEL),
        "rankings": int(values.size),
        **{name: asdict(interval) for name, interval in intervals.items()},
    }


def _values(data: Dataset, folder: Path) -> Floats:
    ranker = Ranker.load(folder)
    unknown = [name for name in ranker.columns if name not in data.facts.columns]
    if unknown:
        raise ArtifactError(
            f"{folder}: expected a ranker that reads columns of the dataset; it lacks "
            f"{', '.join(unknown[:3])}{' and more' if len(unknown) > 3 else ''}."
        )
    selected = data.features(ranker.columns)
    return ndcg(
        ranker.apply(selected.matrix, selected.facts.columns),
        data.column("gain"),
        data.column("qid"),
    )
