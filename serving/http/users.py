"""Stored features of one user, and the erasure of a user."""

import asyncio
from typing import Any

import numpy as np

from feature_repo.events.contract import UserEvent
from feature_repo.home import AisleError, to_text
from serving.contract import ErasedAnswer, PersonAnswer, new_id
from serving.flow import Resources
from serving.query import Query
from training.dataset import stale_datasets

READ_SECONDS = 0.2


async def read_user(resources: Resources, user_id: str) -> PersonAnswer:
    """Read the features that a request of this instant would read of a user."""
    t = resources.clock.now()
    query = Query("person", t, user_id)
    try:
        async with asyncio.timeout(READ_SECONDS * resources.settings.patience):
            context = await resources.online_features.read(query)
    except (AisleError, TimeoutError):
        return PersonAnswer(
            user=user_id, at=to_text(t), has_features=None, features={}, degraded=["hydrate"]
        )
    features = {name: _to_json(value) for name, value in context.user.items()}
    has_features = any(value for name, value in features.items() if name.endswith("__present"))
    return PersonAnswer(
        user=user_id, at=to_text(t), has_features=has_features, features=features, degraded=[]
    )


def erase(resources: Resources, user_id: str) -> ErasedAnswer:
    """Log an erasure and apply it; the next compaction removes the earlier events of the user.

    Raises:
        LogError: the log cannot be written; nothing was erased.
    """
    event = UserEvent(
        event_id=f"erase-{new_id()}",
        event_time=resources.clock.now(),
        user_id=user_id,
        op="erase",
    )
    resources.event_intake.record([event])
    resources.answer_log.forget_user(user_id)
    return ErasedAnswer(
        user=user_id,
        erased_at=to_text(event.event_time),
        stale_datasets=stale_datasets(resources.settings.home, user_id),
    )


def _to_json(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
