"""All that a home stores of one user, for a person who asks for their data."""

from typing import Any

from feature_repo.events.log import EventLog, encode_event, events_of_user
from feature_repo.home import Clock, Home
from pipelines.inspection.entity import Subject, offline


def personal_data(home: Home, clock: Clock, user_id: str) -> dict[str, Any]:
    """Return the features and all events of a user, each as `aisle ingest` reads it."""
    now = clock.now()
    events = [
        {
            "kind": event.kind,
            "seen_at": event.seen_at,
            "event": encode_event(event).decode().strip(),
        }
        for event in events_of_user(EventLog(home, clock), user_id, now)
    ]
    return {"features": offline(home, Subject("user", user_id), now), "events": events}
