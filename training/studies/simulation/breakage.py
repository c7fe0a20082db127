"""Data loss on the way to the log: events that are lost, duplicated or late."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import HOUR, MINUTE
from training.studies.simulation.catalogue_events import INSTANT
from training.studies.simulation.configuration import Breakage

_MIN_DELAY, _MEAN_DELAY, _MAX_DELAY = 10 * MINUTE, 6 * HOUR, 72 * HOUR


def apply_breakage(rng: np.random.Generator, breakage: Breakage, events: pa.Table) -> pa.Table:
    """Return the events that reach the log, with `received_at`; null for events on time.

    Each kind of breakage has its own random numbers, so that changing one share does not change
    which events the others affect.
    """
    lost, duplicated, late, wait = rng.random((4, events.num_rows))
    delay = np.clip(-np.log1p(-wait) * _MEAN_DELAY, _MIN_DELAY, _MAX_DELAY)
    event_time = events.column("event_time").cast(pa.int64()).to_numpy()
    received = pa.array(event_time + delay.astype(np.int64), mask=late >= breakage.late)
    events = events.append_column("received_at", received.cast(INSTANT))
    arrives = lost >= breakage.lost
    duplicates = np.flatnonzero(arrives & (duplicated < breakage.duplicated))
    arrived = events.filter(pa.array(arrives))
    if not duplicates.size:
        return arrived
    return pa.concat_tables([arrived, events.take(pa.array(duplicates))])


def split_at(events: pa.Table, instant: int) -> tuple[pa.Table, pa.Table]:
    """Split events at an instant, which belongs to the second part."""
    before = pc.less(events.column("event_time"), pa.scalar(instant, INSTANT))
    return events.filter(before), events.filter(pc.invert(before))
