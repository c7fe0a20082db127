"""Reads of users and sessions, compared with the reference of identities."""

from feature_repo.events.contract import ItemEvent
from tests.feature_repo import identity_reference as reference
from tests.feature_repo.identity_reference import SESSIONS, USERS

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


def read(reader, entity, id_, t):
    """Read all views of a user or session."""
    context = reader.read(**{f"{entity}_id": id_}, query_key=None, item_ids=[], t=t)
    return context.user if entity == "user" else context.session


def values_of(row, view):
    """Return the features of a view, without its name; None where it has no row."""
    if not row[f"{view}__present"]:
        return None
    values = {name.removeprefix(f"{view}__"): value for name, value in row.items()}
    return {name: values[name] for name in values if f"{view}__{name}" in row and name != "present"}


def assert_reads(reader, events, t):
    """Assert that every user and session reads as the reference says."""
    for entity, ids in (("user", USERS), ("session", SESSIONS)):
        for id_ in ids:
            row = read(reader, entity, id_, t)
            for view in ("counts", "recent", "first_seen"):
                name = "engagement" if view == "counts" else view
                expected = getattr(reference, f"{entity}_{view}")(events, id_, t)
                if view == "first_seen" and expected is not None:
                    expected = {"first_seen_at": expected}
                assert values_of(row, f"{entity}_{name}") == expected, (id_, view)
    for session in SESSIONS:
        owner = values_of(read(reader, "session", session, t), "session_owner")
        expected = reference.session_owner(events, session, t)
        assert (owner and (owner["user_id"], owner["is_shared"])) == expected, session


def without_items(events):
    """Leave out changes of items: their order matters for the values in recent lists."""
    return [event for event in events if not isinstance(event, ItemEvent)]
