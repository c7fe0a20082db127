"""Events taken in and answers logged."""

from serving.recording.answer_log import Recorder, served_event, shown_event
from serving.recording.event_intake import Intake

__all__ = [
    "Intake",
    "Recorder",
    "served_event",
    "shown_event",
]
