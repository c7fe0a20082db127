"""Answers about one user or session: the stored features, and the erasure."""

from typing import Any

import msgspec


class PersonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /users/{user_id}`.

    Attributes:
        at: instant of the read.
        has_features: `known` in JSON; whether any feature view has a row of the user; null when
            Redis cannot be read.
        features: by full name; null where missing.
        degraded: `hydrate` when Redis cannot be read.
    """

    user: str
    at: str
    has_features: bool | None = msgspec.field(name="known")
    features: dict[str, Any]
    degraded: list[str]


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /sessions/{session_id}`.

    Attributes:
        owner: the user to whom the session belongs; null before a link and after an unlink.
        shared: whether it was unlinked, or linked to a second user: it then says nothing of the
            next visitor.
        at: instant of the read.
        has_features: `known` in JSON; whether any feature view has a row of the session; null when
            Redis cannot be read.
        features: by full name; null where missing.
        degraded: `hydrate` when Redis cannot be read.
    """

    session: str
    owner: str | None
    shared: bool
    at: str
    has_features: bool | None = msgspec.field(name="known")
    features: dict[str, Any]
    degraded: list[str]


class ErasedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `DELETE /users/{user_id}`.

    Attributes:
        erased_at: from this instant on the user is served as unknown.
        stale_datasets: files below the home that have rows of the user; the next refresh removes
            them.
        remains: what stays after the next refresh.
    """

    user: str
    erased_at: str
    stale_datasets: list[str]
    remains: list[str]
