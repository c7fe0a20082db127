"""One row for the shopper of a request, from the rows of the user and of the session.

A visitor without a name is served by the session.  A named visitor is served by the user's row and,
until the session belongs to somebody, by the session's too.  Once a session belongs to a user, that
user's rows include it.  A device that several users share says nothing of its next visitor.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from feature_repo.request_features.context.request_context import as_list, as_number, is_present
from feature_repo.shop import Shop
from feature_repo.views import COUNTER_VIEWS, K_CLICKED, K_SHOWN

Row = Mapping[str, Any]
Names = Mapping[str, str]
"""A feature of the user → the same feature of the session."""

_LIMITS = {"clicked": K_CLICKED, "shown": K_SHOWN}


def shopper(user: Row, session: Row, *, is_named: bool, t: int, shop: Shop) -> Row:
    """Return the features of a request's shopper, by the names of the user's views.

    Args:
        user: "<view>__<feature>" → value, of the user's views; all missing without a user.
        session: the same, of the session's views; may be empty without a session.
        is_named: whether the request names a user.
        t: instant of the request, µs.
        shop: declares the fields of recent items, and the ttl of a session.
    """
    if not session or not _is_readable(session, t, shop.session_ttl):
        return user
    if is_named and session.get("session_owner__user_id") is not None:
        return user
    merged = dict(user)
    for view, names in _views(shop).items():
        if not is_present(session, f"session_{view}"):
            continue
        if is_named and is_present(user, f"user_{view}"):
            merged.update(_MERGE[view](user, session, names))
        else:
            merged.update({name: session.get(other) for name, other in names.items()})
            merged[f"user_{view}__present"] = True
    return merged


def _is_readable(session: Row, t: int, ttl: int) -> bool:
    """Whether the session has rows, is not shared, and was not silent for longer than the ttl."""
    if not is_present(session, "session_first_seen"):
        return False
    if session.get("session_owner__is_shared") in (True, 1):
        return False
    newest = as_number(session.get("session_first_seen__first_seen_at"))
    for verb in _LIMITS:
        newest = max([newest, *as_list(session.get(f"session_recent__{verb}_at"))[:1]])
    return t - newest <= ttl


@lru_cache(maxsize=64)
def _views(shop: Shop) -> Mapping[str, Names]:
    """View without its entity → names of its features."""
    (counter,) = (view for view in COUNTER_VIEWS if view.entity == "user")
    columns = ("item_ids", "at", *(field.column for field in shop.recent_fields))
    features = {
        "first_seen": ["first_seen_at"],
        "engagement": counter.features,
        "recent": [f"{verb}_{column}" for verb in _LIMITS for column in columns],
    }
    return {
        view: {f"user_{view}__{name}": f"session_{view}__{name}" for name in names}
        for view, names in features.items()
    }


def _earliest(user: Row, session: Row, names: Names) -> Row:
    return {name: min(user[name], session[other]) for name, other in names.items()}


def _sums(user: Row, session: Row, names: Names) -> Row:
    return {
        name: as_number(user.get(name)) + as_number(session.get(other))
        for name, other in names.items()
    }


def _newest_items(user: Row, session: Row, names: Names) -> Row:
    """Merge the recent lists, newest first; of equal instants, the user's entry comes first."""
    merged: dict[str, list[Any]] = {}
    for verb, limit in _LIMITS.items():
        at = f"user_recent__{verb}_at"
        own, others = as_list(user.get(at)), as_list(session.get(names[at]))
        if not others:
            continue
        is_newer = not own or others[-1] > own[0]
        order = [] if is_newer else _newest_first(own + others)[:limit]
        for name, other in names.items():
            if name.startswith(at[:-2]):
                of_user = _padded(user.get(name), len(own))
                of_session = _padded(session.get(other), len(others))
                if is_newer:
                    merged[name] = (of_session + of_user)[:limit]
                else:
                    merged[name] = [*map((of_user + of_session).__getitem__, order)]
    return merged


def _newest_first(instants: list[int]) -> list[int]:
    """Return the indexes of the instants, the newest first; equal ones in their order."""
    return sorted(range(len(instants)), key=instants.__getitem__, reverse=True)


def _padded(values: Any, size: int) -> list[Any]:
    """Return a list of a row, of empty texts where the row lacks the column."""
    return (values if type(values) is list else as_list(values)) or [""] * size


_MERGE = {"first_seen": _earliest, "engagement": _sums, "recent": _newest_items}
