"""The functions of the steps that add the events of past days."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from feature_repo.home import Clock, Home, PipelineError, Settings, exclusive
from pipelines.declarations import Report


def split_days(
    day_files: Path, *, events: Sequence[str] = (), since: str = "", until: str = ""
) -> Report:
    """Split event files by UTC day, and give the days of the range that have events."""
    from feature_repo.events.ingest import UNDATED, split_by_day
    from feature_repo.home import parse_instant

    if not events:
        raise PipelineError("A backfill: expected files of events (--events PATH), found none.")
    if day_files.exists():
        shutil.rmtree(day_files)
    first = parse_instant(since, "since") if since else None
    last = parse_instant(until, "until") if until else None
    lines = split_by_day([Path(path) for path in events], day_files, first, last)
    if not lines:
        raise PipelineError("A backfill: expected events of the range, found none.")
    return {"days": [day for day in lines if day != UNDATED], "lines": lines}


def validate_day(
    home: Path, day_files: Path, day: str, *, most_quarantined: float = 0.01
) -> Report:
    """Check the events of one day as an ingest would, and add nothing.

    Raises:
        PipelineError: a larger share of the lines than `most_quarantined` would be quarantined.
    """
    from feature_repo.events.ingest import validate

    settings = replace(Settings.from_environment(), home=Home(home))
    report = validate(
        [day_files / f"{day}.jsonl"], clock=Clock.of(settings), home=settings.home
    ).to_dict()
    read, quarantined = int(str(report["read"])), int(str(report["quarantined"]))
    if quarantined > most_quarantined * read:
        raise PipelineError(
            f"{day}: expected at most {most_quarantined:.1%} of the lines to be refused, found "
            f"{quarantined} of {read}: {report['quarantined_reasons']}. Correct the files."
        )
    names = ("read", "accepted", "duplicate", "quarantined", "warned")
    return {"valid_days": day, **{name: report[name] for name in names}}


def backfill_days(home: Path, day_files: Path, valid_days: Sequence[str]) -> Report:
    """Add the events of the valid days with their own times; features are rebuilt afterwards.

    Lines that are no event go to the quarantine.
    """
    from feature_repo.events.ingest import UNDATED, ingest

    settings = replace(Settings.from_environment(), home=Home(home))
    files = [day_files / f"{name}.jsonl" for name in (*sorted(valid_days), UNDATED)]
    with exclusive(settings.home, "a backfill", wait=True):
        report = ingest(
            [path for path in files if path.exists()],
            home=settings.home,
            clock=Clock.of(settings),
            mode="backfill",
        ).to_dict()
    return {name: report[name] for name in ("read", "accepted", "duplicate", "quarantined")}
