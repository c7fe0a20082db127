"""The features of one user or session, and the erasure of a user."""

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np

from feature_repo.events.contract import UserEvent
from feature_repo.home import AisleError, to_text
from feature_repo.request_features.context import RequestContext
from serving.contract import ErasedAnswer, PersonAnswer, SessionAnswer, new_id
from serving.flow import Resources
from serving.query import Query
from training.dataset import stale_datasets

READ_SECONDS = 0.2

REMAINS = (
    "the erasure itself in the log, with the user's id and the instant",
    "the texts of queries, without the user",
    "files of events outside the log, from which the shop ingested the user's events",
    "pages and answers that were sent before",
    "backups of the home and of Redis",
    "runs in the storage of a Kubeflow cluster",
)
"""What no refresh removes."""


async def read_user(resources: Resources, user_id: str) -> PersonAnswer:
    """Read the features that a request of this instant would read of a user."""
    query = Query("person", resources.clock.now(), user_id)
    context = await _read(resources, query)
    return PersonAnswer(user=user_id, **_fields(query.t, None if context is None else context.user))


async def read_session(resources: Resources, session_id: str) -> SessionAnswer:
    """Read the features that a request of this instant would read of a session."""
    query = Query("visit", resources.clock.now(), session_id=session_id)
    context = await _read(resources, query)
    session = {} if context is None else context.session
    return SessionAnswer(
        session=session_id,
        owner=session.get("session_owner__user_id"),
        shared=bool(session.get("session_owner__is_shared")),
        **_fields(query.t, None if context is None else session),
    )


def erase(resources: Resources, user_id: str) -> ErasedAnswer:
    """Log an erasure and apply it; the next compaction removes the earlier events of the user.

    Raises:
        LogError: the log cannot be written; nothing was erased.
    """
    now = resources.clock.now()
    event = UserEvent(event_id=f"erase-{new_id()}", event_time=now, user_id=user_id, op="erase")
    resources.event_intake.record([event])
    resources.answer_log.forget_user(user_id)
    return ErasedAnswer(
        user=user_id,
        erased_at=to_text(event.event_time),
        stale_datasets=stale_datasets(resources.settings.home, user_id),
        remains=[*REMAINS],
    )


async def _read(resources: Resources, query: Query) -> RequestContext | None:
    """Return the features of a shopper; None when they cannot be read in time."""
    try:
        async with asyncio.timeout(READ_SECONDS * resources.settings.patience):
            return await resources.online_features.read(query)
    except (AisleError, TimeoutError):
        return None


def _fields(t: int, values: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields that the answers about users and sessions share."""
    features = {name: _to_json(value) for name, value in (values or {}).items()}
    has_rows = any(value for name, value in features.items() if name.endswith("__present"))
    return {
        "at": to_text(t),
        "has_features": None if values is None else has_rows,
        "features": features,
        "degraded": ["hydrate"] if values is None else [],
    }


def _to_json(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
