"""Facts that arrive late: batch, joined and live values are those of a plain reference.

Many items and users share one log, each with its own history.  The system clock goes back and
ahead while events are logged.  They are applied in any order, some twice, with a load after each
step, which another process does.
"""

from contextlib import closing
from math import isnan
from random import Random

import pyarrow as pa
import pytest

from feature_repo.catalogue import Catalogue
from feature_repo.events.contract import ItemEvent, UserEvent
from feature_repo.feast_repo import repository
from feature_repo.home import DAY, HOUR, Clock, Home, Settings
from feature_repo.offline.feast import features_at
from feature_repo.shop import Shop
from feature_repo.transformations import transform
from tests.feature_repo.growing_log import rebuilt, rows
from tests.feature_repo.histories import is_deleted, item_fields, user_fields, write_shop
from tests.feature_repo.online.conftest import Room
from tests.scale import examples

ENTITIES = 50
"""Items, and as many users: each seed checks a history of each."""

START, STEP = 20_000 * DAY, 3 * DAY
SHOP = """
name = "late"
[[item]]
name = "kind"
type = "category"
[[item]]
name = "tags"
type = "list"
[[item]]
name = "price"
type = "number"
role = "price"
[[user]]
name = "age"
type = "number"
[[user]]
name = "device"
type = "category"
"""
COLUMNS = {"item": ("kind", "tags", "price", "is_deleted"), "user": ("age", "device")}
VALUES = {
    "kind": ("x", "y", None),
    "tags": (["p"], ["q", "r"], None),
    "price": (1.5, 2.0, None),
    "age": (1.0, 2.0, None),
    "device": ("a", "b"),
}


def random_event(number, now, chance):
    """Return an event of an item or a user, late or on time."""
    event_id = f"{chance.randrange(10**12)}"
    times = {"event_id": event_id, "event_time": now - chance.choice([0, 0, 1, 2, 9, 80]) * HOUR}
    if chance.random() < 0.5:
        fields = some_fields(chance, "age", "device")
        return UserEvent(**times, user_id=f"u{number}", fields=fields)
    if chance.random() < 0.3:
        return ItemEvent(**times, item_id=f"i{number}", op="delete")
    fields = some_fields(chance, "kind", "tags", "price")
    return ItemEvent(**times, item_id=f"i{number}", fields=fields)


def some_fields(chance, *names):
    return {name: chance.choice(VALUES[name]) for name in names if chance.random() < 0.6}


def expected(events, entity, number, t):
    """Return the reference values of an item or a user at an instant; None without any."""
    if entity == "user":
        fields = user_fields(events, f"u{number}", t, COLUMNS["user"])
        return fields and {name: fields.get(name) for name in COLUMNS["user"]}
    deleted = is_deleted(events, f"i{number}", t)
    fields = {"is_deleted": deleted} | item_fields(events, f"i{number}", t)
    return None if deleted is None else {name: fields.get(name) for name in COLUMNS["item"]}


def values_of(row, entity):
    """Return the values of a read or joined row; None where the view has no row."""
    view = f"{entity}_attributes"
    if not row[f"{view}__present"]:
        return None
    values = {name: row[f"{view}__{name}"] for name in COLUMNS[entity]}
    return {name: None if is_missing(value) else value for name, value in values.items()}


def is_missing(value):
    return isinstance(value, float) and isnan(value)


def live(room, t):
    """Read all items and users; return (entity, number, t) → values."""
    items, reads = [f"i{n}" for n in range(ENTITIES)], {}
    for n in range(ENTITIES):
        of_slate = items if n == 0 else []
        context = room.reader.read(user_id=f"u{n}", query_key=None, item_ids=of_slate, t=t)
        reads["user", n, t] = values_of(context.user, "user")
        for position in range(len(of_slate)):
            row = {name: values[position] for name, values in context.items.items()}
            reads["item", position, t] = values_of(row, "item")
    return reads


def joined(home, instants):
    """Return the values of Feast's historical join at each instant."""
    keys = [(n, t) for t in instants for n in range(ENTITIES)]
    table = pa.table(
        {
            "item_id": [f"i{n}" for n, _ in keys],
            "user_id": [f"u{n}" for n, _ in keys],
            "event_timestamp": pa.array([t for _, t in keys], pa.timestamp("us", tz="UTC")),
        }
    )
    catalogue = Catalogue.of(home)
    views = [catalogue.view("item_attributes"), catalogue.view("user_attributes")]
    table = features_at(repository.open_store(home), catalogue, table, views)
    return {
        (entity, *key): values_of(row, entity)
        for key, row in zip(keys, table.to_pylist(), strict=True)
        for entity in COLUMNS
    }


def load(room):
    """Seal, compact, transform, load and prune, as a refresh does."""
    sealed_at = room.log.seal()
    room.log.compact()
    transform(room.home, room.clock.now())
    repository.apply(room.home)
    repository.materialize(room.home, room.clock.now())
    room.writer.prune(room.log.seals().part_of(sealed_at))


def log_step(room, system, start, chance):
    """Log a few events of each entity over three days; return them as logged.

    Once in a while the system clock is an hour behind or a day ahead.
    """
    logged = []
    with closing(room.log.writer()) as segment:
        for n in range(3 * ENTITIES):
            system[0] = start + n * STEP // (3 * ENTITIES)
            system[0] += chance.choice([0] * 18 + [-HOUR, DAY])
            event = random_event(chance.randrange(ENTITIES), system[0], chance)
            logged += segment.append([event], durable=False)
    return logged


@pytest.mark.parametrize("seed", range(examples(1)))
def test_late_facts_read_the_same_in_batch_joined_and_live(tmp_path_factory, shared_redis, seed):
    home, chance, system = Home(tmp_path_factory.mktemp("late") / "home"), Random(seed), [START]
    write_shop(home, SHOP)
    repository.render(home, shared_redis)
    shop, events, reads, instants = Shop.load(home.shop_toml), [], {}, []

    for start in (START, START + STEP, START + 2 * STEP):
        clock = Clock.of(Settings(home))
        clock.system_now = lambda: system[0]
        room = Room(home, shop, shared_redis, clock)
        if not events:
            room.client.flushall()
        step = log_step(room, system, start, chance)
        events += step
        room.writer.apply(chance.sample([*step, *step[:5]], len(step) + 5))
        instants.append(clock.now())
        reads |= live(room, instants[-1])
        load(room)
        instants.append(clock.now())
        reads |= live(room, instants[-1])
        room.client.close()

    pairs = {key: (values, expected(events, *key)) for key, values in reads.items()}
    assert {key: pair for key, pair in pairs.items() if pair[0] != pair[1]} == {}
    assert joined(home, instants) == reads
    assert rows(home) == rows(rebuilt(home, tmp_path_factory.mktemp("rebuilt") / "home"))
