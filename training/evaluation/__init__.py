"""Evaluation of rankers: tables, slices, ablations, parity and the report."""

from training.evaluation import parity
from training.evaluation.ablations import study
from training.evaluation.compare import compare
from training.evaluation.evaluate import evaluate, print_evaluation
from training.evaluation.lineage import lineage, open_lineage
from training.evaluation.looks import count_look
from training.evaluation.publish import (
    check_served,
    publish_ranker,
    reject_ranker,
)
from training.evaluation.shadow import compare_shadow
from training.evaluation.trainings import repeat_trainings

__all__ = [
    "check_served",
    "compare",
    "compare_shadow",
    "count_look",
    "evaluate",
    "lineage",
    "open_lineage",
    "parity",
    "print_evaluation",
    "publish_ranker",
    "reject_ranker",
    "repeat_trainings",
    "study",
]
