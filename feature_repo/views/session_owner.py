"""The user to whom a session belongs."""

from feature_repo.views.spec import FieldSpec, LiveOwner, NewestRow, ViewSpec

SESSION_OWNER = ViewSpec(
    name="session_owner",
    entity="session",
    description="The user to whom a session belongs, by its last link or unlink.",
    fields=(
        FieldSpec("user_id", "text", "The user; missing after an unlink.", "id"),
        FieldSpec(
            "is_shared",
            "bool",
            "Whether the session was unlinked or linked to a second user: others use the device.",
            "true or false",
        ),
        FieldSpec(
            "first_linked_at",
            "integer",
            "When the session was first linked or unlinked; its events of before named no user.",
            "microseconds since 1970 UTC",
        ),
    ),
    incremental=NewestRow(),
    append_numbers=False,
    live=LiveOwner(),
)
