"""What is wrong with the values of events, apart from what the contract refuses."""

from feature_repo.events.quality.checks import EventChecks
from feature_repo.events.quality.finding import LISTED, Finding, FindingList, finding_of
from feature_repo.events.quality.tally import add_warnings, read_warnings

__all__ = [
    "LISTED",
    "EventChecks",
    "Finding",
    "FindingList",
    "add_warnings",
    "finding_of",
    "read_warnings",
]
