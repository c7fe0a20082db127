"""Random histories read the same live, loaded, pruned, flushed, replayed, joined and recounted.

The events of several shops arrive in one home, late, out of order, while the system's clock goes
back, and are applied by two processes.  The reference recounts what the log says.
"""

from contextlib import closing
from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import ItemEvent
from feature_repo.feast_repo import open_store, render, repository
from feature_repo.home import HOUR, Clock, Home, Settings
from feature_repo.offline.feast import features_at
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from feature_repo.views import JOIN_KEYS, all_views
from tests.feature_repo.histories import over_histories
from tests.feature_repo.identity_reference import identity_histories
from tests.feature_repo.online.conftest import Room
from tests.feature_repo.online.visits import ENTITIES, SHOP, assert_row, read

BATCH_VIEWS = tuple(f"{view.name}__" for view in all_views() if view.live is None)
STEPS = ("prune", "flush and replay", "replay", "nothing")
SHOPS = 20
"""Independent shops in one home: one load checks a history of each."""

NAMES = [f"s{n:02d}-" for n in range(SHOPS)]


@st.composite
def arrivals(draw):
    """Draw events of all shops in the order of their arrival, each with the system's clock."""
    events = [event for name in NAMES for event in draw(identity_histories(prefix=name))]
    events.sort(key=lambda event: (event.seen_at, event.event_id))
    behind = draw(st.lists(st.sampled_from([0, HOUR]), min_size=1, max_size=5))
    return [(e, e.seen_at - behind[n * len(behind) // len(events)]) for n, e in enumerate(events)]


class Shopping:
    """A home whose events are logged, and applied by two writers."""

    def __init__(self, root, address):
        home, self.system_now = Home(root), 0
        home.root.mkdir(parents=True)
        home.shop_toml.write_text(SHOP)
        render(home, address)
        clock = Clock.of(Settings(home))
        clock.system_now = lambda: self.system_now
        self.room = Room(home, Shop.load(home.shop_toml), address, clock)
        self.writers = [self.room.writer, self.room.new_writer()]
        self.logged = {name: [] for name in NAMES}

    @property
    def instants(self):
        """When each event became known."""
        return [event.seen_at + 1 for events in self.logged.values() for event in events]

    def apply(self, arrived, data):
        """Log events in order, and apply them in any order that leaves items where they are."""
        before = {name: len(events) for name, events in self.logged.items()}
        with closing(self.room.log.writer()) as segment:
            for event, system_now in arrived:
                self._log(segment, event, system_now)
        for name, events in self.logged.items():
            new = events[before[name] :]
            items = [n for n, event in enumerate(new) if isinstance(event, ItemEvent)]
            for start, end in pairwise([0, *items, len(new)]):
                self.writers[0].apply(new[start : start + 1])
                for event in data.draw(st.permutations(new[start + 1 : end])):
                    data.draw(st.sampled_from(self.writers)).apply([event])

    def assert_reads(self, t):
        """Assert that all live values are those of the reference."""
        for name, events in self.logged.items():
            for entity, ids in ENTITIES.items():
                for id_ in ids:
                    row = read(self.room.reader, entity, name + id_, t)
                    assert_row(row, events, entity, name + id_, t)

    def assert_joined(self, instants):
        """Assert that the historical join at these instants agrees with the reference."""
        catalogue = Catalogue.of(self.room.home)
        store = open_store(self.room.home)
        for entity, ids in ENTITIES.items():
            key = JOIN_KEYS[entity]
            rows = [(name, name + id_, t) for t in instants for name in NAMES for id_ in ids]
            at = pa.array([t for _, _, t in rows], pa.timestamp("us", tz="UTC"))
            keys = pa.table({key: [id_ for _, id_, _ in rows], "event_timestamp": at})
            views = [view for view in catalogue.views if view.join_keys == [key]]
            joined = features_at(store, catalogue, keys, views).to_pylist()
            for (name, id_, t), row in zip(rows, joined, strict=True):
                assert_row(row, self.logged[name], entity, id_, t)

    def load(self, step):
        """Refresh the stored rows, and do one of the steps that may follow."""
        room = self.room
        sealed = room.log.seal()
        room.log.compact()
        transform(room.home, room.clock.now())
        repository.apply(room.home)
        repository.materialize(room.home, room.clock.now())
        if step == "prune":
            room.writer.prune(room.log.seals().part_of(sealed))
        if step == "flush and replay":
            room.writer.flush()
        if "replay" in step:
            room.writer.replay()

    def rows(self, t):
        """Every live value, as of an instant."""
        return {
            (name + id_, feature): value
            for name in NAMES
            for entity, ids in ENTITIES.items()
            for id_ in ids
            for feature, value in read(self.room.reader, entity, name + id_, t).items()
            if not feature.startswith(BATCH_VIEWS)
        }

    def _log(self, segment, event, system_now):
        """Log an event as if it had just been received; it happened before."""
        self.system_now = system_now
        event_time = min(event.event_time, self.room.clock.now())
        fresh = structs.replace(event, event_time=event_time, received_at=0)
        self.logged[f"{event.event_id.partition('-')[0]}-"] += segment.append([fresh])


@over_histories(SHOPS, 40)
@given(arrivals(), st.data())
def test_live_loaded_joined_and_recounted_values_agree(
    tmp_path_factory, shared_redis, arrived, data
):
    shopping = Shopping(tmp_path_factory.mktemp("visits") / "home", shared_redis)
    shopping.room.client.flushall()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(arrived)), min_size=1, max_size=2)))
    for start, end in pairwise([0, *cuts, len(arrived)]):
        shopping.apply(arrived[start:end], data)
        t = shopping.room.clock.now()
        shopping.assert_reads(t)
        if end in cuts:
            live = shopping.rows(t)
            shopping.load(data.draw(st.sampled_from(STEPS)))
            assert shopping.rows(t) == live
            shopping.assert_joined([t, data.draw(st.sampled_from(shopping.instants))])
    shopping.room.client.close()
