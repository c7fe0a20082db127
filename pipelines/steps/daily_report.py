"""The step that reports a day of the shop."""

import json
from pathlib import Path

from feature_repo.home import (
    Clock,
    Home,
    Settings,
    replacing,
)
from pipelines.declarations import Report

DAY_REPORT, DAY_PAGE = "day.json", "day.html"


def report_day(home: Path, daily_report: Path, date: str = "") -> Report:
    """Write the report of a day of the log, as of the last refresh, as JSON and as a page.

    Args:
        date: YYYY-MM-DD, a UTC day; empty for the last complete day of the home's clock.

    Raises:
        SettingError: `date` is no date.
    """
    from pipelines.pages import day_html
    from training.daily_report import day_report, parse_day

    settings = Settings(home=Home(home))
    figures = day_report(settings.home, Clock.of(settings).now(), parse_day(date) if date else None)
    daily_report.mkdir(parents=True, exist_ok=True)
    files = {DAY_REPORT: json.dumps(figures, indent=1), DAY_PAGE: day_html(figures)}
    for name, text in files.items():
        with replacing(daily_report / name) as fresh:
            fresh.write_text(text, encoding="utf-8")
    return figures["days"][0]  # type: ignore[no-any-return]
