"""Sessions, links and merges read the same live, loaded, pruned, flushed and replayed."""

from contextlib import closing
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from feature_repo.events.contract import ItemEvent
from feature_repo.feast_repo import render, repository
from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from feature_repo.views import all_views
from tests.feature_repo.histories import START
from tests.feature_repo.identity_reference import SESSIONS, USERS, identity_histories
from tests.feature_repo.online.conftest import Room, SetClock
from tests.feature_repo.online.visits import SHOP, assert_reads, read
from tests.scale import examples

BATCH_VIEWS = tuple(f"{view.name}__" for view in all_views() if view.live is None)
STEPS = ("prune", "flush and replay", "replay", "nothing")


def distinct(events):
    """Give the events distinct instants: of two in one microsecond lists keep no order."""
    last, spaced = START, []
    for event in sorted(events, key=lambda e: (e.seen_at, e.event_id)):
        last = max(last + 10, event.seen_at // 10 * 10 + 5)
        spaced.append(structs.replace(event, received_at=last))
    return spaced


class Shopping:
    """A home whose events are logged, and applied by two writers."""

    def __init__(self, root, address):
        home = Home(root)
        home.root.mkdir(parents=True)
        home.shop_toml.write_text(SHOP)
        render(home, address.host, address.port)
        self.room = Room(home, Shop.load(home.shop_toml), address, SetClock(START))
        self.writers = [self.room.writer, self.room.new_writer()]

    @property
    def t(self):
        return self.room.clock.instant

    def apply(self, events, data):
        """Log events in order, and apply them in any order that leaves items where they are."""
        with closing(self.room.log.writer()) as segment:
            logged = [one for event in events for one in self._logged(segment, event)]
        items = [n for n, event in enumerate(logged) if isinstance(event, ItemEvent)]
        for start, end in pairwise([0, *items, len(logged)]):
            self.writers[0].apply(logged[start : start + 1])
            for event in data.draw(st.permutations(logged[start + 1 : end])):
                data.draw(st.sampled_from(self.writers)).apply([event])

    def load(self, step):
        """Refresh the stored rows, and do one of the steps that may follow."""
        room = self.room
        sealed = room.log.seal()
        room.log.compact()
        transform(room.home, self.t)
        repository.apply(room.home)
        repository.materialize(room.home, self.t)
        if step == "prune":
            room.writer.prune(room.log.seals().part_of(sealed))
        if step == "flush and replay":
            room.writer.flush()
        if "replay" in step:
            room.writer.replay()

    def rows(self):
        """Every live value of users and sessions, as of now."""
        ids = [("user", user) for user in USERS] + [("session", session) for session in SESSIONS]
        return {
            (id_, name): value
            for entity, id_ in ids
            for name, value in read(self.room.reader, entity, id_, self.t).items()
            if not name.startswith(BATCH_VIEWS)
        }

    def _logged(self, segment, event):
        self.room.clock.instant = event.seen_at + 1
        return segment.append([event])


@settings(max_examples=examples(3), deadline=None, suppress_health_check=list(HealthCheck))
@given(identity_histories().map(distinct), st.data())
def test_live_equals_loaded_in_any_order(tmp_path_factory, shared_redis, events, data):
    # A few seconds an example: each has a home of its own and up to two refreshes.
    shopping = Shopping(tmp_path_factory.mktemp("visits") / "home", shared_redis)
    shopping.room.client.flushall()
    cuts = sorted(data.draw(st.sets(st.integers(1, len(events)), min_size=1, max_size=2)))
    for start, end in pairwise([0, *cuts, len(events)]):
        shopping.apply(events[start:end], data)
        assert_reads(shopping.room.reader, events[:end], shopping.t)
        if end in cuts:
            live = shopping.rows()
            shopping.load(data.draw(st.sampled_from(STEPS)))
            assert shopping.rows() == live
    shopping.room.client.close()
