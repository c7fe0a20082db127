"""Write alert rules and dashboards as the files that Prometheus and Grafana read."""

import json
from pathlib import Path

from pipelines.monitoring.alerts import ALERTS
from pipelines.monitoring.dashboards import dashboards

RULES = "alerts.yaml"

_HEADER = "# Generated from pipelines/monitoring/alerts.py by `aisle monitor --out`; do not edit.\n"


def texts() -> dict[str, str]:
    """Return the text of each file, by its name."""
    boards = {f"{name}.json": json.dumps(board, indent=1) for name, board in dashboards().items()}
    return {RULES: rules_text(), **{name: f"{text}\n" for name, text in boards.items()}}


def rules_text() -> str:
    """Return all alerts as a file of Prometheus rules."""
    import yaml

    groups = {"groups": [{"name": "aisle", "rules": [alert.to_rule() for alert in ALERTS]}]}
    return _HEADER + yaml.safe_dump(groups, sort_keys=False, width=100)


def write_files(folder: Path) -> list[Path]:
    """Write all files into a folder, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in texts().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
