"""The gate: whether a trained ranker may be published, and why."""

from training.gate.check import check_ranker
from training.gate.layout import listed, unserved_columns
from training.gate.verdict import PUBLISH, REJECT, VERDICT, VERDICT_PAGE, Verdict, in_digits

__all__ = [
    "PUBLISH",
    "REJECT",
    "VERDICT",
    "VERDICT_PAGE",
    "Verdict",
    "check_ranker",
    "in_digits",
    "listed",
    "unserved_columns",
]
