"""The rows of a user and of a session become one row of the request's shopper."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.home import DAY
from feature_repo.request_features.context import shopper
from feature_repo.shop import SIMULATED_SHOP, Shop
from feature_repo.views import COUNTER_VIEWS, K_CLICKED, K_SHOWN
from tests.scale import examples

SHOP = Shop.load(SIMULATED_SHOP)
T = 100 * DAY
MEASURES = next(view.features for view in COUNTER_VIEWS if view.entity == "user")
FIELDS = [field.column for field in SHOP.recent_fields]


def row(entity, events, **owner):
    """Build the row of a user or session from its events: (verb, instant, item)."""
    named = {f"{entity}_attributes__age": 7.0} if entity == "user" else {}
    named |= {f"session_owner__{name}": value for name, value in owner.items()}
    for view in ("first_seen", "engagement", "recent"):
        named[f"{entity}_{view}__present"] = bool(events)
    first = min((at for _, at, _ in events), default=None)
    named[f"{entity}_first_seen__first_seen_at"] = first
    for number, name in enumerate(MEASURES):
        count = sum(number * (at % 97) for _, at, _ in events)
        named[f"{entity}_engagement__{name}"] = count if events else None
    for verb, limit in (("clicked", K_CLICKED), ("shown", K_SHOWN)):
        of_verb = [event for event in events if event[0] == verb]
        newest = sorted(of_verb, key=lambda event: -event[1])[:limit]
        lists = {"item_ids": [e[2] for e in newest], "at": [e[1] for e in newest]}
        lists |= {field: [f"{field} of {e[2]}" for e in newest] for field in FIELDS}
        for name, values in lists.items():
            named[f"{entity}_recent__{verb}_{name}"] = values if events else None
    return named


def read(user, session, *, is_named=True, t=T, shop=SHOP):
    return shopper(user, session, is_named=is_named, t=t, shop=shop)


NOBODY = row("user", ()) | {"user_attributes__age": None}
ONE = [("clicked", T - 5, "a"), ("shown", T - 9, "b")]
TWO = [("clicked", T - 4, "c"), ("shown", T - 7, "d")]


def events(parity):
    """Give events of odd or of even instants, so that no two rows have one in common."""
    return st.tuples(st.integers(0, 130), st.floats(0, 1), st.randoms()).map(
        lambda drawn: [
            ("clicked" if drawn[2].random() < drawn[1] else "shown", T - 2 * n - parity, f"{n}")
            for n in drawn[2].sample(range(1, 400), drawn[0])
        ]
    )


@pytest.mark.parametrize("session", [{}, row("session", ())])
@pytest.mark.parametrize("is_named", [True, False])
def test_without_rows_of_a_session_it_is_the_row_of_the_user(session, is_named):
    user = row("user", ONE)

    assert read(user, session, is_named=is_named) is user


@given(events(0))
@settings(max_examples=examples(30))
def test_a_visitor_without_a_name_is_like_a_new_user_with_the_same_events(of_session):
    as_user = row("user", of_session) | {"user_attributes__age": None}

    assert read(NOBODY, row("session", of_session), is_named=False) == as_user


@given(events(0), events(1))
@settings(max_examples=examples(30))
def test_a_user_in_a_session_of_nobody_has_the_events_of_both(of_user, of_session):
    assert read(row("user", of_user), row("session", of_session)) == row(
        "user", of_user + of_session
    )


def test_a_session_with_an_owner_adds_nothing_to_a_user():
    user = row("user", ONE)

    assert read(user, row("session", TWO, user_id="v", is_shared=False)) is user


def test_a_session_with_an_owner_serves_a_visitor_without_a_name():
    session = row("session", TWO, user_id="v", is_shared=False)

    assert read({}, session, is_named=False)["user_recent__clicked_item_ids"] == ["c"]


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("user_id", ["v", None])
def test_a_shared_session_is_not_read(user_id, is_named):
    session = row("session", TWO, user_id=user_id, is_shared=True)

    assert read(NOBODY, session, is_named=is_named) is NOBODY


@pytest.mark.parametrize(("silence", "is_read"), [(30 * DAY, True), (30 * DAY + 1, False)])
def test_a_session_is_not_read_after_its_ttl(silence, is_read):
    session = row("session", [("clicked", T - 40 * DAY, "a"), ("shown", T, "b")])

    answered = read(NOBODY, session, is_named=False, t=T + silence)

    assert (answered is not NOBODY) == is_read


def test_without_recent_items_the_ttl_begins_with_the_first_event():
    session = row("session", ONE) | {"session_recent__present": False}
    session = {name: None if "recent__" in name else value for name, value in session.items()}
    shop = Shop("short", (), session_ttl_days=1)

    assert read({}, session, is_named=False, t=T + DAY - 9, shop=shop)
    assert not read({}, session, is_named=False, t=T + DAY, shop=shop)


def test_a_view_without_a_row_of_the_user_comes_from_the_session():
    user = row("user", ONE) | {"user_engagement__present": False}
    user |= {f"user_engagement__{name}": math.nan for name in MEASURES}

    merged = read(user, row("session", TWO))

    counts = {name: value for name, value in merged.items() if "engagement" in name}
    assert counts == {n: v for n, v in row("user", TWO).items() if "engagement" in n}


def test_of_equal_instants_the_entry_of_the_user_comes_first():
    session = row("session", [("clicked", T - 5, "z"), ("clicked", T - 6, "y")])

    merged = read(row("user", ONE), session)

    assert merged["user_recent__clicked_item_ids"] == ["a", "z", "y"]


def test_a_row_without_a_column_gets_empty_texts():
    column = f"user_recent__clicked_{FIELDS[0]}"

    merged = read(row("user", ONE) | {column: None}, row("session", TWO))

    assert merged[column] == [f"{FIELDS[0]} of c", ""]
