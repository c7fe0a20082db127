"""The report of a shop's day, from the log."""

from training.daily_report.dates import parse_day
from training.daily_report.report import day_report, features_age_hours, last_whole_day

__all__ = ["day_report", "features_age_hours", "last_whole_day", "parse_day"]
