"""The functions of the steps that report: on a run, on a day, and on training and serving."""

import json
from dataclasses import replace
from pathlib import Path

from feature_repo.home import Clock, Home, PipelineError, Settings, parse_instant
from pipelines.declarations import Report

PARITY_FILE = "parity.json"


def report_run(home: Path, pipeline: str, state: str, error: str) -> Report:
    """Report how a run ended: in the home, on standard error, and to the webhook."""
    from pipelines.steps.run_reports import report

    return report(Home(home), Settings.from_environment().webhook, pipeline, state, error)


def verify_features(home: Path, parity: Path, *, since: str = "", until: str = "") -> Report:
    """Compare the logged vectors with vectors that training computes from the events.

    The comparison is written to the folder `parity` before a difference raises.

    Raises:
        PipelineError: some values differ.
    """
    from training.evaluation import parity as comparison
    from training.monitoring import write_verification

    folder = Home(home)
    start, end = (
        parse_instant(text, name) if text else None
        for name, text in (("since", since), ("until", until))
    )
    compared = comparison.verify(folder, comparison.recorded(folder, start, end)).to_dict()
    report = compared | {"waiting": comparison.waiting(folder)}
    now = Clock.of(replace(Settings.from_environment(), home=folder)).now()
    write_verification(folder, now, sum(one["times"] for one in report["mismatches"]))
    parity.mkdir(parents=True, exist_ok=True)
    (parity / PARITY_FILE).write_text(json.dumps(report, indent=1, default=str) + "\n")
    if differing := [one["feature"] for one in report["mismatches"]]:
        raise PipelineError(
            f"Expected the logged vectors of {report['requests']} requests to equal the computed "
            f"ones, found differences in {len(differing)} features: {', '.join(differing[:5])}. "
            "`aisle verify` names an example and the cause of each."
        )
    return report
