"""The age of each view's rows."""

from typing import Any

from feature_repo.home import MINUTE, Home
from pipelines.inspection.figures import Figures, feature_state
from pipelines.steps import view_ages

_PERIOD = MINUTE
"""How long an age is shown before it is computed again."""


def row_ages(home: Home, figures: Figures, now: int) -> dict[str, dict[str, Any]]:
    """Return rows, age and declared freshness of each view that has rows."""
    state = feature_state(home), now // _PERIOD
    return figures.get("ages", state, lambda: dict(view_ages(home, now)))
