"""Rows of users and sessions with links, log-outs and merges equal a brute-force reference."""

from hypothesis import given
from hypothesis import strategies as st

from feature_repo.home import DAY, HOUR, Home
from feature_repo.transformations import transform
from feature_repo.views import JOIN_KEYS
from tests.feature_repo import identity_reference
from tests.feature_repo.histories import Rows, over_histories, write_log, write_shop
from tests.feature_repo.identity_reference import SESSIONS, USERS, identity_histories

SHOP = """
name = "identities"
[[item]]
name = "kind"
type = "category"
"""
SHOPS = 20
"""Independent shops in one log: one transform checks a history of each."""

NAMES = [f"s{n:02d}-" for n in range(SHOPS)]
AFTER = (0, 1, 2, HOUR, DAY, 8 * DAY)
ENTITIES = {"user": USERS, "session": SESSIONS}
VIEWS = ("engagement", "recent", "first_seen")


def values(rows, entity, instant):
    """Return the values of a row; a single one by itself."""
    row = rows.at(entity, instant)
    if row is None:
        return None
    keys = ("event_timestamp", "created_timestamp", "part")
    named = {name: value for name, value in [*row.items()][1:] if name not in keys}
    return next(iter(named.values())) if len(named) == 1 else named


@over_histories(SHOPS, 100)
@given(st.tuples(*(identity_histories(prefix=name) for name in NAMES)), st.data())
def test_rows_of_users_and_sessions_are_those_of_the_reference(tmp_path_factory, shops, data):
    home = Home(tmp_path_factory.mktemp("identities"))
    write_shop(home, SHOP)
    write_log(home, [event for events in shops for event in events])

    transform(home, 0)

    views = {
        f"{entity}_{view}": Rows(home.features / f"{entity}_{view}", JOIN_KEYS[entity])
        for entity in ENTITIES
        for view in VIEWS
    }
    owners = Rows(home.features / "session_owner", "session_id")
    for name, events in zip(NAMES, shops, strict=True):
        instants = sorted({event.seen_at + after for event in events for after in AFTER})
        for instant in data.draw(st.lists(st.sampled_from(instants), max_size=3)):
            for view, rows in views.items():
                for entity in ENTITIES[view.partition("_")[0]]:
                    expected = getattr(identity_reference, view.replace("engagement", "counts"))(
                        events, name + entity, instant
                    )
                    assert values(rows, name + entity, instant) == expected, (view, entity)
            for session in SESSIONS:
                owner = values(owners, name + session, instant)
                expected = identity_reference.session_owner(events, name + session, instant)
                assert (owner and tuple(owner.values())) == expected, session
