"""Reads of users, sessions and items, compared with the reference of identities."""

import math

from feature_repo.events.contract import ItemEvent
from feature_repo.views import COUNTER_VIEWS
from tests.feature_repo import histories
from tests.feature_repo import identity_reference as reference
from tests.feature_repo.identity_reference import ITEMS, SESSIONS, USERS

SHOP = """
name = "visits"
[[item]]
name = "kind"
type = "category"
role = "category"
[[user]]
name = "age"
type = "number"
"""

ENTITIES = {"user": USERS, "session": SESSIONS, "item": ITEMS}
_ITEM_MEASURES = next(tuple(view.measures) for view in COUNTER_VIEWS if view.entity == "item")


def read(reader, entity, id_, t):
    """Read all views of a user, a session or an item."""
    if entity == "item":
        context = reader.read(query_key=None, item_ids=[id_], t=t)
        return {name: _plain(values[0]) for name, values in context.items.items()}
    context = reader.read(**{f"{entity}_id": id_}, query_key=None, item_ids=[], t=t)
    return context.user if entity == "user" else context.session


def values_of(row, view):
    """Return the features of a view, without its name; None where it has no row."""
    values = {
        name.removeprefix(f"{view}__"): value
        for name, value in row.items()
        if name.startswith(f"{view}__")
    }
    others = ("part", "event_times")
    is_present = values.pop("present", values.get("part") is not None)
    return {name: values[name] for name in values if name not in others} if is_present else None


def assert_reads(reader, events, t):
    """Assert that every user and session reads as the reference says."""
    for entity in ("user", "session"):
        for id_ in ENTITIES[entity]:
            assert_row(read(reader, entity, id_, t), events, entity, id_, t)


def assert_row(row, events, entity, id_, t):
    """Assert that all live views of an entity are as the reference says."""
    for view, expected in _EXPECTED[entity](events, id_, t).items():
        assert values_of(row, view) == expected, (id_, view)


def without_items(events):
    """Leave out changes of items: their order matters for the values in recent lists."""
    return [event for event in events if not isinstance(event, ItemEvent)]


def _expected_user(events, id_, t):
    first = reference.user_first_seen(events, id_, t)
    return {
        "user_engagement": reference.user_counts(events, id_, t),
        "user_recent": reference.user_recent(events, id_, t),
        "user_first_seen": first and {"first_seen_at": first},
        "user_attributes": histories.user_fields(events, id_, t, {"age"}),
    }


def _expected_session(events, id_, t):
    first = reference.session_first_seen(events, id_, t)
    owner = reference.session_owner(events, id_, t)
    return {
        "session_engagement": reference.session_counts(events, id_, t),
        "session_recent": reference.session_recent(events, id_, t),
        "session_first_seen": first and {"first_seen_at": first},
        "session_owner": owner
        and dict(zip(("user_id", "is_shared", "first_linked_at"), owner, strict=True)),
    }


def _expected_item(events, id_, t):
    changes = histories.deltas(events)["item_engagement"].get(id_, ())
    counts = histories.counts(changes, _ITEM_MEASURES, t)
    is_deleted = histories.is_deleted(events, id_, t)
    fields = histories.item_fields(events, id_, t)
    return {
        "item_engagement": counts
        and {name: value for name, value in counts.items() if name != "part"},
        "item_attributes": None
        if is_deleted is None
        else {"kind": fields.get("kind"), "is_deleted": is_deleted},
    }


_EXPECTED = {"user": _expected_user, "session": _expected_session, "item": _expected_item}


def _plain(value):
    """Return missing numbers as None."""
    return None if isinstance(value, float) and math.isnan(value) else value
