"""`aisle report day`: a shop's day in numbers."""

import argparse
import json
from pathlib import Path

from feature_repo.home import Settings
from pipelines.terminal import Outcome, line, pages


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the day and the file of the page."""
    verb.add_argument(
        "--date", metavar="YYYY-MM-DD", default="", help="the UTC day (the last complete one)"
    )
    verb.add_argument("--html", type=Path, metavar="FILE", help="also write the page to a file")


def report(args: argparse.Namespace) -> Outcome:
    """Report one day of the log, as of the last refresh."""
    from pipelines.pages import day_page
    from pipelines.steps import DAY_PAGE, DAY_REPORT, report_day

    home = Settings.from_environment().home.root
    out = home / "build" / "daily_report"
    report_day(home, out, args.date)
    figures = json.loads((out / DAY_REPORT).read_text(encoding="utf-8"))
    if args.html is not None:
        args.html.write_bytes((out / DAY_PAGE).read_bytes())
    return Outcome(figures, pages(day_page(figures), line(f"Page: {args.html or out / DAY_PAGE}")))
