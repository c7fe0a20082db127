"""Ingestion of events, and the log of answers."""

from serving.recording.answer_log import AnswerLog, is_recorded, served_event, shown_event
from serving.recording.event_intake import EventIntake

__all__ = [
    "AnswerLog",
    "EventIntake",
    "is_recorded",
    "served_event",
    "shown_event",
]
