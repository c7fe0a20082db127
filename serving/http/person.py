"""What is known of one person, and how it is forgotten."""

import asyncio
from typing import Any

import msgspec
import numpy as np

from feature_repo.events.contract import UserEvent
from feature_repo.home import AisleError, to_text
from serving.contract import new_id
from serving.flow import Resources
from serving.query import Question
from training.dataset import stale_datasets

READ_SECONDS = 0.2


class PersonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /users/{id}`.

    Attributes:
        at: the instant it is known at.
        known: whether any feature view knows the person; null where none can be read.
        features: by full name; null where missing.
        degraded: `hydrate` where live features cannot be read.
    """

    user: str
    at: str
    known: bool | None
    features: dict[str, Any]
    degraded: list[str]


class ErasedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `DELETE /users/{id}`.

    Attributes:
        erased_at: from then on the person is served as unknown.
        stale_datasets: files below the home that still hold rows of the person; train again.
    """

    user: str
    erased_at: str
    stale_datasets: list[str]


async def known_of(resources: Resources, user_id: str) -> PersonAnswer:
    """Read what a request of now would know of a person."""
    t = resources.clock.now()
    question = Question("person", t, user_id)
    try:
        async with asyncio.timeout(READ_SECONDS * resources.settings.patience):
            facts = await resources.online_features.read(question)
    except (AisleError, TimeoutError):
        return PersonAnswer(
            user=user_id, at=to_text(t), known=None, features={}, degraded=["hydrate"]
        )
    features = {name: _plain(value) for name, value in facts.user.items()}
    known = any(value for name, value in features.items() if name.endswith("__present"))
    return PersonAnswer(user=user_id, at=to_text(t), known=known, features=features, degraded=[])


def forget(resources: Resources, user_id: str) -> ErasedAnswer:
    """Log an erasure and make it count; the next compaction rewrites what was logged before.

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


def _plain(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
