"""How old the feature rows are, offline and in Redis."""

from collections.abc import Iterator
from typing import Any

from feature_repo.home import HOUR, Home, PipelineError, to_text
from feature_repo.offline.parquet import count_rows, newest_time
from feature_repo.shop import Shop
from feature_repo.transformations import features_sealed_at
from feature_repo.views import views_of
from pipelines.steps.feature_update import FeatureUpdate


def freshness(update: FeatureUpdate) -> dict[str, Any]:
    """Return the seals of the rows and of the load, and the age of each view's newest row.

    Raises:
        PipelineError: Redis lacks rows that were computed, or the rows those of the present log.
    """
    home, now = update.home, update.clock.now()
    computed, loaded = features_sealed_at(home), update.loaded_until()
    if computed is None or loaded is None or loaded <= computed:
        raise PipelineError(
            f"{home.root}: expected Redis to have the feature rows of the last seal, found "
            f"{_said(loaded)} loaded and {_said(computed)} computed. Run `aisle refresh`."
        )
    return {
        "computed_until": to_text(computed),
        "loaded_until": to_text(loaded - 1),
        "hours_since_seal": round((now - computed) / HOUR, 2),
        "views": dict(view_ages(home, now)),
    }


def view_ages(home: Home, now: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each view that has rows, with their number and the age of the newest in hours.

    The age is None where every row is later than now; `fresh` is the freshness that the view
    declares.
    """
    for spec in views_of(Shop.load(home.shop_toml)):
        files = sorted((home.features / spec.name).glob("*.parquet"))
        if not files:
            continue
        newest = newest_time(files, now)
        age = None if newest is None else round((now - newest) / HOUR, 2)
        rows = count_rows(files)
        yield spec.name, {"rows": rows, "hours_since_newest": age, "fresh": spec.freshness}


def _said(instant: int | None) -> str:
    return "none" if instant is None else to_text(instant)
