"""The age of each view's rows, for the pages that show it."""

from typing import Any

from feature_repo.home import MINUTE
from pipelines.console.content import Visit
from pipelines.inspection import feature_state
from pipelines.steps import view_ages

_PERIOD = MINUTE
"""How long an age is shown before it is computed again."""


def ages(visit: Visit) -> dict[str, dict[str, Any]]:
    """Return rows, age and declared freshness of each view that has rows."""
    state = feature_state(visit.home), visit.now // _PERIOD
    return visit.figures.get("ages", state, lambda: dict(view_ages(visit.home, visit.now)))
