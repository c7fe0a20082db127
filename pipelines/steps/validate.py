"""The step that checks the data contracts of a home before anything is computed or served."""

import json
from pathlib import Path

from feature_repo.home import Home, replacing
from pipelines.declarations import VALIDATION, Report

_REPORT, _PAGE = "validation.json", "validation.html"
VALIDATION_PAGE = f"{VALIDATION.name}/{_PAGE}"
"""The page that Kubeflow shows."""
VALIDATION_REPORT = f"{VALIDATION.path}/{_REPORT}"
"""Path of the last report in a home."""


def validate(home: Path, validation: Path) -> Report:
    """Check the data contracts of the log and of the feature rows, and write report and page.

    It changes nothing that is served.  Report and page are written before a violation raises.

    Raises:
        ContractError: names each expectation that does not hold, its market and its first rows.
        ShopError: shop.toml cannot be read, or allows a share of an unknown expectation.
    """
    from feature_repo.data_contracts import check_contracts
    from pipelines.pages import validation_html

    report = check_contracts(Home(home))
    figures = report.to_dict()
    validation.mkdir(parents=True, exist_ok=True)
    for name, text in ((_REPORT, json.dumps(figures, indent=1)), (_PAGE, validation_html(figures))):
        with replacing(validation / name) as fresh:
            fresh.write_text(text, encoding="utf-8")
    report.check()
    return {
        "checks": len(report.checks),
        "rows": sum(check.checked for check in report.checks),
        "without_rows": len(report.without_rows),
    }
