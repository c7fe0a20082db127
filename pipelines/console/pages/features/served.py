"""How the features of the ranker in use are distributed in recorded answers, against training."""

from collections.abc import Mapping

from feature_repo.home import HOUR, ArtifactError, Home
from pipelines.console.content import Visit
from pipelines.inspection import log_state
from training.artifacts import CURRENT, Version, find_version
from training.monitoring import ServedFeature, served_features

NOT_RECORDED = (
    "Too few answers of the last day with this ranker are recorded and compacted to compare them "
    "with training. `AISLE_RECORD` is the share that a service records; `aisle refresh` compacts."
)

LITTLE, MUCH = 0.1, 0.25
"""Stability index below which nothing moved, and above which the population is another one."""


def ranker_in_use(home: Home) -> Version | None:
    """Return the ranker in use; None where none is."""
    try:
        return find_version(home, "default", CURRENT)
    except ArtifactError:
        return None


def served_by(visit: Visit, ranker: Version | None) -> Mapping[str, ServedFeature] | None:
    """Return the comparison by column; empty without a ranker or enough recorded answers.

    None while it is computed.
    """
    if ranker is None:
        return {}
    state = log_state(visit.home), ranker.version, visit.now // HOUR
    return visit.soon("served", state, lambda: served_features(visit.home, visit.now))


def drift_in_words(one: ServedFeature) -> str:
    """Return how far a feature moved."""
    index = one.stability_index
    if index is None:
        return "not comparable"
    return "none" if index < LITTLE else "some" if index < MUCH else "much"
