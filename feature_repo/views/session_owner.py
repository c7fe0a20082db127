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
    ),
    incremental=NewestRow(),
    append_numbers=False,
    live=LiveOwner(),
)
