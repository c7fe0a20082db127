"""From when a user was heard of."""

from feast import FeatureView, Field
from feast.types import Int64

from feature_repo.catalogue.entities import user
from feature_repo.catalogue.views import view
from feature_repo.home import Home


def user_first_seen(home: Home) -> FeatureView:
    """One row per user."""
    return view(
        home,
        "user_first_seen",
        user,
        [
            Field(
                name="first_seen_at",
                dtype=Int64,
                description="When the first event that names the user was seen: a slate, an "
                "interaction, or something told of them; microseconds since 1970 UTC.",
                tags={"unit": "microseconds since 1970 UTC"},
            )
        ],
        description="From when a user was heard of.",
        freshness="live",
    )
