"""Date the states of catalogues, and tell a state that returned from one that came twice.

A state without a time has that of its file.  Its id names what it says, and the time: if the item's
newest event says the same, the state gets that event's id and is a duplicate.  So the same export
is read once, a product that changed is one event, and a price that returns is one too.
"""

from collections.abc import Callable, Mapping

import msgspec

from feature_repo.events.catalogues.item_state import UNDATED, is_state
from feature_repo.events.contract import AnyEvent, ItemEvent

Newest = Mapping[str, tuple[int, str]]
"""Item → time and id of its newest event."""


def dated_now(event: AnyEvent, now: int) -> AnyEvent:
    """Return a state without a time as one of now; any other event as it is."""
    if not is_state(event.event_id) or event.event_time != UNDATED:
        return event
    return msgspec.structs.replace(event, event_id=f"{event.event_id}-{now}", event_time=now)


class DatedStates:
    """Dates the states of one run.

    Args:
        now: the clock's instant.
        last_seal: of the log; what a catalogue said before it is received now.
        newest: reads the newest events of the log; called once, and only for states without a time.
    """

    def __init__(self, now: int, last_seal: int, newest: Callable[[], Newest]) -> None:
        self._now = now
        self._last_seal = last_seal
        self._read = newest
        self._newest: dict[str, tuple[int, str]] | None = None

    def dated(self, event: AnyEvent, file_at: int) -> AnyEvent:
        """Return a state with its times and its id; any other event as it is.

        Args:
            event: as parsed.
            file_at: the instant of its file.
        """
        if not isinstance(event, ItemEvent) or not is_state(event.event_id):
            return event
        event_id, at = event.event_id, event.event_time
        if at == UNDATED:
            at = min(file_at, self._now)
            event_id = self._id(event, at)
        received_at = at if at > self._last_seal else max(self._now, self._last_seal + 1)
        return msgspec.structs.replace(
            event, event_id=event_id, event_time=at, received_at=received_at
        )

    def _id(self, event: ItemEvent, at: int) -> str:
        if self._newest is None:
            self._newest = dict(self._read())
        before, newest_id = self._newest.get(event.item_id, (0, ""))
        if newest_id.startswith(event.event_id):
            return newest_id
        event_id = f"{event.event_id}-{at}"
        if at >= before:
            self._newest[event.item_id] = at, event_id
        return event_id
