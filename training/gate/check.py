"""Check a trained ranker: read what it consists of, and apply the comparisons and guardrails."""

import json
from pathlib import Path

import numpy as np

from feature_repo.home import ArtifactError, Home, SettingError
from feature_repo.shop import Shop
from training.artifacts import sha256
from training.dataset import Dataset, LazyDataset
from training.gate.calibration import check_calibration
from training.gate.comparison import (
    CLICKS,
    RANDOMIZED,
    Comparison,
    check_better,
    check_not_worse,
    check_refit,
    compare_on,
)
from training.gate.coverage import check_coverage
from training.gate.damage import check_dataset
from training.gate.drift import check_drift
from training.gate.in_use import RankerInUse
from training.gate.latency import check_latency
from training.gate.layout import check_layout
from training.gate.leakage import check_leakage
from training.gate.result import GuardrailResult
from training.gate.slices import check_slices
from training.gate.verdict import Verdict
from training.ranker import HELD_OUT, MODEL, TRAINING, HeldOut, Ranker, over_examination


def check_ranker(
    home: Home,
    dataset: Path,
    ranker: Path,
    *,
    in_use: Path | None = None,
    margin: float = 0.0,
    force: bool = False,
) -> Verdict:
    """Decide whether a ranker may be published in a home.

    Args:
        home: where it is to serve.
        dataset: file that it was trained on.
        ranker: folder written by `training.ranker.train`.
        in_use: folder of the published ranker that it would replace.
        margin: of ndcg@10, by which it may be worse; 0 where it must be better.
        force: publish it whatever the results are.

    Raises:
        SettingError: a negative margin.
        ArtifactError: the ranker is absent, damaged, or not the one that training wrote.
    """
    if not margin >= 0:
        raise SettingError(f"--margin: expected at least 0, found {margin:g}.")
    trees, hashes = Ranker.load(ranker), _hashes(ranker)
    results = [check_dataset(dataset, hashes["dataset"])]
    other = ""
    if not results[0].refuses:
        data, held_out = LazyDataset.open(dataset), HeldOut.load(ranker / HELD_OUT)
        published = None if in_use is None else RankerInUse.load(in_use)
        main, second = _comparisons(data, held_out, published)
        other = main.other
        results = [
            check_better(main, margin),
            *([] if second is None else [check_not_worse(second, margin)]),
            *_on_held_out(data, held_out, trees, Shop.load(home.shop_toml), second or main),
            check_latency(trees, data, published),
            check_drift(dataset, gain_shares(trees)),
            *results,
        ]
    results += [
        check_layout(home, trees.columns, trees.feature_service),
        check_coverage(home),
    ]
    return Verdict.of(
        hashes["model"], tuple(results), compared_with=other, margin=margin, force=force
    )


def gain_shares(ranker: Ranker) -> dict[str, float]:
    """Return each column's share of the gain of the trees' splits."""
    gains = ranker.booster.get_score(importance_type="total_gain")
    names = ranker.booster.feature_names or [f"f{n}" for n in range(len(ranker.columns))]
    total = sum(map(_number, gains.values())) or 1.0
    return {
        column: _number(gains.get(name, 0.0)) / total
        for column, name in zip(ranker.columns, names, strict=True)
    }


def _comparisons(
    data: Dataset, held_out: HeldOut, in_use: RankerInUse | None
) -> tuple[Comparison, Comparison | None]:
    """Compare on the randomized slice, where the log has it, and on the validation split."""
    rows = held_out.of(data)
    gain = over_examination(rows.column("gain"), held_out.examined)
    compared = [
        compare_on(name, rows.rows(part), held_out.scores[part], gain[part], in_use)
        for name, part in ((RANDOMIZED, held_out.randomized), (CLICKS, ~held_out.randomized))
        if part.any()
    ]
    return compared[0], compared[1] if len(compared) > 1 else None


def _on_held_out(
    data: Dataset, held_out: HeldOut, ranker: Ranker, shop: Shop, clicks: Comparison
) -> list[GuardrailResult]:
    """Apply the guardrails that read the held-out scores.

    Args:
        clicks: the comparison on the validation split.
    """
    rows = held_out.of(data)
    gain = over_examination(rows.column("gain"), held_out.examined)
    is_first = held_out.randomized if held_out.randomized.any() else ~held_out.randomized
    return [
        check_slices(clicks, shop),
        check_refit(clicks, ranker, gain[~held_out.randomized]),
        check_calibration(
            ranker.calibration,
            rows.rows(is_first),
            held_out.scores[is_first].astype(np.float64),
            held_out.examined[is_first],
        ),
        check_leakage(rows),
    ]


def _hashes(ranker: Path) -> dict[str, str]:
    """Return the hashes of the trees and of the dataset that training wrote."""
    try:
        hashes: dict[str, str] = json.loads((ranker / TRAINING).read_text())["hashes"]
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{ranker / TRAINING}: expected a file written by training, found none ({error}); "
            "train the ranker again."
        ) from None
    if (actual := sha256(ranker / MODEL)) != hashes["model"]:
        raise ArtifactError(
            f"{ranker / MODEL}: expected the trees that training wrote, {hashes['model'][:16]}, "
            f"found {actual[:16]}; train the ranker again."
        )
    return hashes


def _number(value: float | list[float]) -> float:
    """XGBoost declares lists of numbers for boosters that are not trees."""
    return float(value) if not isinstance(value, list) else sum(value)
