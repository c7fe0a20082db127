"""The instant at which the first event of a user or session was seen."""

from typing import Literal

from feature_repo.views.spec import (
    FEATURES_SQL,
    JOIN_KEYS,
    FieldSpec,
    LiveFirst,
    NewestRow,
    ViewSpec,
)


def _first_seen(entity: Literal["user", "session"], events: str) -> ViewSpec:
    return ViewSpec(
        name=f"{entity}_first_seen",
        entity=entity,
        description=f"When the first event of a {entity} was seen.",
        fields=(
            FieldSpec(
                "first_seen_at",
                "integer",
                f"When the first event that names the {entity} was seen: {events}; microseconds "
                "since 1970 UTC.",
                "microseconds since 1970 UTC",
            ),
        ),
        sql=FEATURES_SQL / "shopper_first_seen.sql",
        parameters=lambda _: {"entity": entity, "key": JOIN_KEYS[entity]},
        incremental=NewestRow(),
        append_numbers=False,
        live=LiveFirst(),
    )


USER_FIRST_SEEN = _first_seen("user", "a slate, an interaction, or an upsert with fields")
SESSION_FIRST_SEEN = _first_seen("session", "a slate or an interaction")
