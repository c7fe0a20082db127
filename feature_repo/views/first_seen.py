"""The instant at which a user's first event was seen."""

from feature_repo.views.spec import FieldSpec, LiveFirst, NewestRow, ViewSpec

USER_FIRST_SEEN = ViewSpec(
    name="user_first_seen",
    entity="user",
    description="When the first event of a user was seen.",
    fields=(
        FieldSpec(
            "first_seen_at",
            "integer",
            "When the first event that names the user was seen: a slate, an interaction, or an "
            "upsert with fields; microseconds since 1970 UTC.",
            "microseconds since 1970 UTC",
        ),
    ),
    incremental=NewestRow(),
    append_numbers=False,
    live=LiveFirst(),
)
