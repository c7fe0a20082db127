"""Random canonical events, of every kind that a shop sends."""

import string

from hypothesis import strategies as st

from feature_repo.events.contract import (
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ShownItem,
    UserEvent,
)

IDS = st.text(string.ascii_letters + string.digits + "-_./:é中", min_size=1, max_size=12)
TEXTS = st.text(string.ascii_letters + " 'é中", min_size=1, max_size=20).filter(str.strip)
INSTANTS = st.integers(10**15, 2 * 10**15)
"""µs, 2001 to 2033."""

AMOUNTS = st.integers(0, 10**7).map(lambda cents: cents / 100)
NUMBERS = st.floats(-1e6, 1e6)
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY"])
FIELDS = st.dictionaries(
    TEXTS, TEXTS | NUMBERS | st.booleans() | st.lists(TEXTS, max_size=3), max_size=3
)
COMMON = {"event_id": IDS, "event_time": INSTANTS}


def optional(values):
    return st.none() | values


def slates(scores=False):
    """Slates of different items, with scores if the dialect has them."""
    item = st.builds(ShownItem, IDS, optional(NUMBERS)) if scores else st.builds(ShownItem, IDS)
    return st.lists(item, min_size=1, max_size=6, unique_by=lambda shown: shown.item_id).map(tuple)


def items(**changes):
    fields = {"item_id": IDS, "fields": FIELDS}
    return st.builds(ItemEvent, **COMMON, **fields | changes)


def users(**changes):
    fields = {"user_id": IDS, "fields": FIELDS}
    return st.builds(UserEvent, **COMMON, **fields | changes)


def rankings(**changes):
    fields = {
        "request_id": IDS,
        "items": slates(),
        "user_id": optional(IDS),
        "session_id": optional(IDS),
        "query": optional(TEXTS),
        "surface": optional(TEXTS),
    }
    return st.builds(RankingEvent, **COMMON, **fields | changes)


def interactions(**changes):
    fields = {
        "item_id": IDS,
        "type": st.sampled_from(["click", "view", "add_to_cart", "purchase"]),
        "request_id": optional(IDS),
        "user_id": optional(IDS),
        "session_id": optional(IDS),
        "value": optional(AMOUNTS),
        "currency": optional(CURRENCIES),
    }
    return st.builds(InteractionEvent, **COMMON, **fields | changes)
