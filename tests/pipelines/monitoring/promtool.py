"""Run Prometheus' own unit tests of rules, `promtool test rules`, on series that a test makes."""

import json
import shutil
import subprocess

import pytest

from pipelines.monitoring.files import rules_text

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool evaluates the alert rules and is not installed (Debian: prometheus)",
)

RAISED = 'sort(group by (alertname) (count_over_time(ALERTS{alertstate="firing"}[60d])))'
"""The alerts that were raised at any time so far."""


def series(name, values, **labels):
    """One input series: a value for each interval, None where there is none."""
    listed = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items())
    texts = " ".join("_" if value is None else repr(float(value)) for value in values)
    return {"series": f"{name}{{{listed}}}", "values": texts}


def raises(name, inputs, at_minutes, alerts, minutes=10):
    """A case: the alerts that were raised up to an instant, by their names."""
    return {
        "name": name,
        "interval": f"{minutes}m",
        "input_series": inputs,
        "promql_expr_test": [
            {
                "expr": RAISED,
                "eval_time": f"{at}m",
                "exp_samples": [
                    {"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(expected)
                ],
            }
            for at, expected in zip(at_minutes, alerts, strict=True)
        ],
    }


def check(folder, cases, minutes=10):
    """Run the cases; a failure shows promtool's comparison."""
    rules, tests = folder / "alerts.yaml", folder / "tests.json"
    rules.write_text(rules_text())
    table = {
        "rule_files": [rules.name],
        "evaluation_interval": f"{minutes}m",
        "tests": cases,
    }
    tests.write_text(json.dumps(table))
    done = subprocess.run(
        ["promtool", "test", "rules", str(tests)],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
