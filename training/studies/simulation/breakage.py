"""What goes wrong on the way to the log: events lost, sent twice, or late."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import HOUR, MINUTE
from training.studies.simulation.catalogue_events import INSTANT
from training.studies.simulation.configuration import Breakage

_SHORTEST_DELAY, _USUAL_DELAY, _LONGEST_DELAY = 10 * MINUTE, 6 * HOUR, 72 * HOUR


def broken(rng: np.random.Generator, breakage: Breakage, events: pa.Table) -> pa.Table:
    """The events as the log gets them, with `received_at`, null where they come at once.

    Each share has a draw of its own, so that raising one does not move the others.
    """
    lost, doubled, late, wait = rng.random((4, events.num_rows))
    delay = np.clip(-np.log1p(-wait) * _USUAL_DELAY, _SHORTEST_DELAY, _LONGEST_DELAY)
    happened = events.column("event_time").cast(pa.int64()).to_numpy()
    received = pa.array(happened + delay.astype(np.int64), mask=late >= breakage.late)
    events = events.append_column("received_at", received.cast(INSTANT))
    kept = lost >= breakage.lost
    again = np.flatnonzero(kept & (doubled < breakage.duplicated))
    arrived = events.filter(pa.array(kept))
    return pa.concat_tables([arrived, events.take(pa.array(again))]) if again.size else arrived


def split_at(events: pa.Table, instant: int) -> tuple[pa.Table, pa.Table]:
    """The events before an instant, and the others."""
    before = pc.less(events.column("event_time"), pa.scalar(instant, INSTANT))
    return events.filter(before), events.filter(pc.invert(before))
