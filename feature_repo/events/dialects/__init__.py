"""The formats in which senders write events: one declaration each, recognized by its objects."""

from feature_repo.events.dialects.canonical import CANONICAL
from feature_repo.events.dialects.dialect import Dialect
from feature_repo.events.dialects.list_joins import ListJoins
from feature_repo.events.dialects.registry import (
    has_installed_dialects,
    is_recognized,
    parse_events,
    parse_feedback,
    sent_name,
    sent_objects,
)

__all__ = [
    "CANONICAL",
    "Dialect",
    "ListJoins",
    "has_installed_dialects",
    "is_recognized",
    "parse_events",
    "parse_feedback",
    "sent_name",
    "sent_objects",
]
