"""Which corrections of an ingest take something back.

A correction may stand before its event in the files: it waits until all lines were read.
"""

import msgspec

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    check_corrected,
    check_first_correction,
)
from feature_repo.events.ingest.files import Line
from feature_repo.events.log import EventLog, digest


class Corrections:
    """Checks the corrections of one ingest, by its own interactions and those of the log.

    Of its own interactions it stores the digests of their ids: some 40 MB for a million.
    """

    def __init__(self, log: EventLog | None, received_at: int = 0) -> None:
        """Create the checks of an ingest whose events are received at an instant, or earlier."""
        self._log = log
        self._received_at = received_at
        self._interactions: set[bytes] = set()
        self._first: dict[str, str] = {}
        self.waiting: list[tuple[Line, AnyEvent]] = []

    def is_next(self, key: bytes, line: Line, event: AnyEvent) -> bool:
        """Return whether an event can be checked now; if not, it is added to `waiting`.

        Args:
            key: digest of the event's id.
        """
        if not isinstance(event, InteractionEvent):
            return True
        if event.corrects is None:
            self._interactions.add(key)
        elif not self._is_own(event.corrects) and self._logged(event.corrects) is None:
            self.waiting.append((line, event))
            return False
        return True

    def check(self, event: AnyEvent) -> None:
        """Check an event that is next, or that waited until the end.

        Raises:
            EventError: a correction that would change nothing.
        """
        if not isinstance(event, InteractionEvent) or event.corrects is None:
            return
        named = event.corrects
        if not self._is_own(named):
            received_at = max(event.received_at, self._received_at)
            received = msgspec.structs.replace(event, received_at=received_at)
            check_corrected(received, self._logged(named))
        check_first_correction(event, self._first.get(named) or self._logged_first(named))
        self._first[named] = event.event_id

    def _is_own(self, event_id: str) -> bool:
        return digest(event_id) in self._interactions

    def _logged_first(self, event_id: str) -> str | None:
        """Return the id of the first correction of a logged event."""
        stated = self._logged(event_id)
        if self._log is None or stated is None:
            return None
        return self._log.correction(event_id, stated.seen_at)

    def _logged(self, event_id: str) -> InteractionEvent | None:
        return None if self._log is None else self._log.interaction(event_id)
