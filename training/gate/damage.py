"""The dataset must be the one that the ranker was trained on, whole and undamaged."""

from pathlib import Path

from training.artifacts import sha256
from training.dataset import damage_of
from training.gate.result import GuardrailResult

DAMAGE = "dataset"


def check_dataset(path: Path, learned_from: str) -> GuardrailResult:
    """Check a dataset against its metadata, the checksums of its pages, and a hash.

    Args:
        path: of the dataset.
        learned_from: sha256 of the dataset that the ranker learned from.
    """
    damage = damage_of(path)
    if damage is None and (actual := sha256(path)) != learned_from:
        damage = f"expected sha256 {learned_from[:16]}, which the ranker learned from, found "
        damage += f"{actual[:16]}"
    reason = f"Damaged, or another one: {damage}." if damage else "Whole, as the ranker read it."
    return GuardrailResult.of(DAMAGE, damage is None, reason)
