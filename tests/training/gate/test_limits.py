"""The page for people states the limits that the gate applies."""

import re

from feature_repo.home import CHECKOUT
from training.dataset import SUSPICIOUS_AUC
from training.gate import limits


def test_the_page_states_the_limit_of_each_guardrail():
    page = (CHECKOUT / "docs" / "models.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z ]+) \| .* \| (.*) \|$", page, re.MULTILINE)
    stated = {(name, number) for name, text in rows for number in re.findall(r"[\d.]+\d", text)}

    assert stated == {
        ("slices", f"{limits.SLICE_MARGIN}"),
        ("final trees", f"{limits.REFIT_MARGIN}"),
        ("calibration", f"{limits.CALIBRATION_ERROR}"),
        ("leak sentinel", f"{SUSPICIOUS_AUC}"),
        ("latency", f"{limits.SCORING_SECONDS}"),
        ("latency", f"{limits.SLOWER_THAN_IN_USE}"),
        ("drift", f"{limits.PSI}"),
        ("drift", f"{limits.MISSING_SHARE}"),
        ("indexes", f"{limits.COVERAGE}"),
    }
