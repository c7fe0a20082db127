"""The variants that one request gets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.contract import ApiError
from serving.query import Query
from training.experiments import (
    Experiment,
    UnitKind,
    Variant,
    is_held_out,
    variant_of,
)

_ONLY_LISTS = frozenset({"rules", "diversity", "exploration", "sources"})
"""Settings that a ranking of given candidates does not read."""


@dataclass(frozen=True)
class Treatment:
    """A variant of one experiment.

    Attributes:
        kind: of the unit; None where it is no exposure: the request named the variant or only
            looks at the shop, or everyone gets it.
    """

    experiment: Experiment
    variant: Variant
    kind: UnitKind | None


def treatments_of(
    experiments: Iterable[Experiment],
    holdout: float,
    query: Query,
    session: Mapping[str, Any] | None,
) -> list[Treatment]:
    """Return the variants of a request.

    Only experiments that change something about this request treat it, and one of each layer: a
    shipped variant is for those whom no running experiment of its layer treats.

    Args:
        holdout: share of the units that no experiment treats.
        session: rows of the session's views; None where they were not read.
    """
    by_layer: dict[str, Treatment] = {}
    for experiment in sorted(experiments, key=lambda each: each.is_shipped):
        if experiment.layer not in by_layer and _applies(experiment, query):
            treatment = _treatment(experiment, holdout, _unit(experiment, query, session))
            if treatment is not None:
                by_layer[experiment.layer] = treatment
    return list(by_layer.values())


def _treatment(
    experiment: Experiment, holdout: float, unit: tuple[UnitKind, str] | None
) -> Treatment | None:
    """Return the variant of a unit, which is None where the request does not name it."""
    if unit is not None and is_held_out(holdout, *unit):
        return None
    if experiment.is_shipped:
        return Treatment(experiment, experiment.variants[0], None)
    variant = None if unit is None else variant_of(experiment, *unit)
    return None if unit is None or variant is None else Treatment(experiment, variant, unit[0])


def forced_treatments(experiments: Sequence[Experiment], text: str) -> list[Treatment]:
    """Return the variants that a request names, as `experiment:variant,…`.

    Raises:
        ApiError: 400, there is no such experiment or variant.
    """
    named = {experiment.name: experiment for experiment in experiments}
    treatments = []
    for part in text.split(","):
        name, _, variant_name = part.partition(":")
        experiment = named.get(name)
        variants = () if experiment is None else experiment.answers
        variant = next((each for each in variants if each.name == variant_name), None)
        if experiment is None or variant is None:
            choices = [f"{e.name}:{v.name}" for e in experiments for v in e.answers]
            expected = f"one of {', '.join(choices)}" if choices else "no variant: none runs"
            raise ApiError(400, "variant", expected, repr(part))
        treatments.append(Treatment(experiment, variant, None))
    return treatments


def variants_by_name(treatments: Iterable[Treatment]) -> dict[str, str]:
    """Return experiment → variant."""
    return {treatment.experiment.name: treatment.variant.name for treatment in treatments}


def exposures(treatments: Iterable[Treatment]) -> dict[str, tuple[str, str]]:
    """Return experiment → variant and kind of unit, without variants that a request named."""
    return {
        treatment.experiment.name: (treatment.variant.name, treatment.kind)
        for treatment in treatments
        if treatment.kind is not None
    }


def _applies(experiment: Experiment, query: Query) -> bool:
    if query.list_request is None and experiment.changes <= _ONLY_LISTS:
        return False
    return experiment.occasion.is_now(
        t=query.t, query=query.text, market=query.market, surface=query.surface
    )


def _unit(
    experiment: Experiment, query: Query, session: Mapping[str, Any] | None
) -> tuple[UnitKind, str] | None:
    """Return the unit of a request; None where the request does not name it.

    A session that began without a user stays the unit of `first` until it ends.
    """
    user_id, session_id = query.user_id, query.session_id
    is_nameless = user_id is None or (session is not None and _began_nameless(session))
    if experiment.unit == "first" and session_id is not None and is_nameless:
        return "session", session_id
    if experiment.unit in ("user", "first"):
        return None if user_id is None else ("user", user_id)
    return None if session_id is None else ("session", session_id)


def _began_nameless(session: Mapping[str, Any]) -> bool:
    """Whether a session has events of before it was linked to a user."""
    first_seen_at = session.get("session_first_seen__first_seen_at")
    if first_seen_at is None:
        return False
    linked_at = session.get("session_owner__first_linked_at")
    return linked_at is None or first_seen_at < linked_at
