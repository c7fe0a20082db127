"""Which corrections of an ingest take something back.

A correction may stand before its event in the files: it waits until all lines were read.
"""

from collections.abc import Callable, Sequence

import msgspec

from feature_repo.events.contract import (
    AnyEvent,
    InteractionEvent,
    check_corrected,
    check_first_correction,
)
from feature_repo.events.ingest.files import Line
from feature_repo.events.log import EventLog, digest

LineOf = Callable[[int], Line]
"""Returns the line of an event, given its position."""


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

    def following(
        self,
        keys: Sequence[bytes],
        events: Sequence[AnyEvent],
        fresh: Sequence[int],
        line: LineOf,
    ) -> Sequence[int]:
        """Return the positions that can be checked now; other corrections are added to `waiting`.

        Args:
            keys: digests of the events' ids.
            events: in their order.
            fresh: positions of events that are no duplicates.
            line: returns the line of an event, given its position.
        """
        following = []
        for n in fresh:
            event = events[n]
            if not isinstance(event, InteractionEvent):
                following.append(n)
            elif event.corrects is None:
                self._interactions.add(keys[n])
                following.append(n)
            elif self._is_own(event.corrects) or self._logged(event.corrects) is not None:
                following.append(n)
            else:
                self.waiting.append((line(n), event))
        return following

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
