"""No column may contain the future: none separates the compared slates' clicks by itself."""

from training.dataset import SUSPICIOUS_AUC, Dataset, suspicious_columns
from training.gate.result import GuardrailResult

LEAKAGE = "leak sentinel"


def check_leakage(data: Dataset) -> GuardrailResult:
    """Check the columns of rows that the ranker has not learned from."""
    leaks = suspicious_columns(data)
    columns = ", ".join(f"{column} ({value:.3f})" for column, value in leaks.items())
    reason = (
        f"Too good to be true: {columns} alone, by AUC."
        if leaks
        else f"No column alone separates clicked items by an AUC above {SUSPICIOUS_AUC}."
    )
    worst = max(leaks.values(), default=None)
    return GuardrailResult.of(LEAKAGE, not leaks, reason, worst, SUSPICIOUS_AUC, columns=leaks)
