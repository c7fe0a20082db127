"""A bandit's posterior in Redis equals the one from the log and from raw events, bit for bit."""

import random
from collections import Counter
from contextlib import closing

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import (
    DECISION,
    REWARD,
    Decision,
    InteractionEvent,
    UserEvent,
    arm_key,
)
from feature_repo.events.contract.decisions import reward_id
from feature_repo.feast_repo import render
from feature_repo.home import DAY, HOUR, Home
from feature_repo.online.codec import load_tiles
from feature_repo.online.hydration import AGES
from feature_repo.online.redis import LiveKeys
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from feature_repo.views import ARM_ENGAGEMENT
from tests.feature_repo.histories import over_histories
from tests.feature_repo.online.conftest import Room, SetClock
from tests.integration.test_live_crash import opened, restarted
from training.bandits import Bandit, posteriors
from training.bandits.posterior import Beta

BANDITS = [
    Bandit("plain", ("a", "b", "c"), "a", prior=(0.3, 0.7)),
    Bandit("discounted", ("a", "b", "c"), "a", discount=0.8137),
]
"""Several histories for the cost of one."""

ARMS = {arm_key(bandit.name, "any", arm): arm for bandit in BANDITS for arm in bandit.arms}
USERS = (None, "u", "v")
WAITS = [1, HOUR, DAY - 1, DAY, 3 * DAY, 29 * DAY, 30 * DAY, 31 * DAY, 700 * DAY]
LATENESS = [0, 0, 0, 1, HOUR, DAY, 8 * DAY, 45 * DAY]

kinds = ["decide", "decide", "decide", "reward", "reward", "retry", "correct", "erase"]
chances = st.tuples(st.sampled_from(kinds), st.sampled_from(LATENESS), st.integers(0, 10**6))
take = st.tuples(st.just("take"), st.lists(chances, min_size=1, max_size=30))
wait = st.tuples(st.just("wait"), st.sampled_from(WAITS))
replay = st.tuples(st.just("replay"), st.none())
loads = st.tuples(st.sampled_from(["seal", "load", "prune", "replay"]), st.none())


class Play:
    """One log with its live state, and the events that it has."""

    def __init__(self, room):
        self.room, self.sealed = room, None
        self.events: dict[str, InteractionEvent | UserEvent] = {}

    def play(self, steps):
        for verb, detail in steps:
            self.room.clock.instant += 1
            getattr(self, verb)(detail)
            self.room.clock.instant += 1
            yield

    def take(self, chances):
        self.room.take(*[self.new_event(*chance) for chance in chances])

    def wait(self, by):
        self.room.clock.instant += by

    def new_event(self, kind, lateness, chance):
        now = self.room.clock.instant
        times = {
            "event_id": f"e{len(self.events)}",
            "event_time": now - lateness,
            "received_at": now,
        }
        earlier = [*self.events.values()]
        acts = [event for event in earlier if isinstance(event, InteractionEvent)]
        decisions = [event for event in acts if event.type == DECISION and not event.corrects]
        if kind == "retry" and earlier:
            event = earlier[chance % len(earlier)]
            return msgspec.structs.replace(event, received_at=now)
        if kind == "erase":
            event = UserEvent(**times, user_id=USERS[1 + chance % 2], op="erase")
        elif kind == "correct" and acts:
            named = acts[chance % len(acts)]
            event = msgspec.structs.replace(named, **times, corrects=named.event_id)
        elif kind == "reward" and decisions:
            decided = decisions[chance % len(decisions)]
            times["event_id"] = reward_id(decided.event_id)
            event = msgspec.structs.replace(decided, **times, type=REWARD)
        else:
            key = [*ARMS][chance % len(ARMS)]
            event = InteractionEvent(
                **times,
                item_id=ARMS[key],
                type=DECISION,
                user_id=USERS[chance // 7 % 3],
                decision=Decision(key, 0.5, now + DAY),
            )
        return self.events.setdefault(event.event_id, event)

    def seal(self, _=None):
        self.sealed = self.room.log.seal()
        self.room.log.compact()
        transform(self.room.home, self.room.clock.now())

    def load(self, _=None):
        folder = self.room.home.features / "_tiles" / ARM_ENGAGEMENT.name
        keys = LiveKeys.of(self.room.home)
        load_tiles(self.room.client, keys, ARM_ENGAGEMENT, folder, 0)

    def prune(self, _=None):
        if self.sealed is not None:
            self.load()
            self.room.writer.prune(self.room.log.seals().part_of(self.sealed))

    def replay(self, _=None):
        """Lose the live state, and derive it again from the log."""
        self.room.client.flushall()
        self.load()
        self.room.writer.replay()

    def live(self):
        reader, now = self.room.reader, self.room.clock.now()
        return [posteriors(bandit, 0, reader.arm_counts(bandit.keys(0), now)) for bandit in BANDITS]


def expected(events, now):
    """Return the posteriors by a count of raw events, in plain Python."""
    counts = Counter()
    corrected = set()
    for event in sorted(
        (event for event in events if isinstance(event, InteractionEvent)),
        key=lambda event: (event.seen_at, event.event_id),
    ):
        stated, sign = event, 1
        if event.corrects is not None:
            stated = next(each for each in events if each.event_id == event.corrects)
            if stated.corrects is not None or event.corrects in corrected:
                continue
            corrected.add(event.corrects)
            sign = -1
        key = stated.decision.arm_key
        counts[key, stated.type, now // DAY - stated.event_time // DAY] += sign
    return [
        tuple(_beta(bandit, arm_key(bandit.name, "any", arm), counts) for arm in bandit.arms)
        for bandit in BANDITS
    ]


def _beta(bandit, key, counts):
    sums = {}
    for what in (DECISION, REWARD):
        ages = [age for (of, type_, age) in counts if (of, type_) == (key, what) and age >= AGES]
        total = float(sum(counts[key, what, age] for age in ages)) if bandit.discount == 1 else 0.0
        for age in reversed(range(AGES)):
            total = total * bandit.discount + counts[key, what, age]
        sums[what] = total
    wins, losses = bandit.prior
    return Beta(wins + sums[REWARD], losses + max(sums[DECISION] - sums[REWARD], 0.0))


def assert_equal_throughout(folder, redis, steps):
    """Play the steps; after each, the posteriors are those of the events."""
    home = Home(folder / "home")
    render(home, redis)
    room = Room(home, Shop.load(home.shop_toml), redis, SetClock())
    room.client.flushall()
    play = Play(room)

    for _ in play.play(steps):
        assert play.live() == expected([*play.events.values()], room.clock.now())
    return play


@over_histories(each=len(ARMS), usually=90)
@given(st.lists(take | wait | replay, min_size=3, max_size=9))
def test_live_and_replayed_posteriors_are_those_of_the_events(
    tmp_path_factory, shared_redis, steps
):
    play = assert_equal_throughout(tmp_path_factory.mktemp("bandits"), shared_redis, steps)

    play.room.client.close()


@over_histories(each=len(ARMS), usually=12)
@given(st.lists(take | wait | loads, min_size=6, max_size=9))
def test_loaded_and_rebuilt_posteriors_are_those_of_the_events(
    tmp_path_factory, shared_redis, steps
):
    play = assert_equal_throughout(tmp_path_factory.mktemp("bandits"), shared_redis, steps)

    live = play.live()
    play.seal()
    play.room.client.flushall()
    play.load()

    assert play.live() == live
    play.room.client.close()


def test_a_replay_restores_the_posterior_lost_by_a_killed_redis(home):
    chance = random.Random(6)
    with opened(home) as room:
        play = Play(room)
        events = []
        for _ in range(120):
            room.clock.instant += HOUR
            kind, lateness = chance.choice(kinds[:6]), chance.choice(LATENESS)
            events.append(play.new_event(kind, lateness, chance.randrange(10**6)))
        with closing(room.log.writer()) as segment:
            logged = segment.append(events)
        room.writer.apply(logged[:70])

        with restarted(room) as again:
            again.writer.replay()
            play.room = again

            assert play.live() == expected([*play.events.values()], room.clock.now())
