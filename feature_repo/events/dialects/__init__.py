"""The formats in which senders write events: one declaration each, recognized by its objects."""

from feature_repo.events.dialects.canonical import CANONICAL
from feature_repo.events.dialects.dialect import Dialect
from feature_repo.events.dialects.registry import (
    has_installed_dialects,
    parse_events,
    parse_feedback,
    sent_name,
)

__all__ = [
    "CANONICAL",
    "Dialect",
    "has_installed_dialects",
    "parse_events",
    "parse_feedback",
    "sent_name",
]
