"""A request gets the variants of its unit, where they change something about it."""

import pytest

from serving.contract import ApiError
from serving.experiments import exposures, forced_treatments, treatments_of, variants_by_name
from serving.query import SURFACES, ListRequest, Query
from training.experiments import Experiment, Occasion, Variant
from training.experiments.experiment import BUCKETS

ALL = (0, BUCKETS - 1)
MODELS = Experiment("models", "a", "first", ALL, (Variant("control"), Variant("b", model="b")))
RULES = Experiment("rules", "b", "user", ALL, (Variant("control"), Variant("b", diversity=0.3)))
LIST = ListRequest(SURFACES["home"])
LINKED_AT = {"session_first_seen__first_seen_at": 5, "session_owner__first_linked_at": 9}
NAMED = {"session_first_seen__first_seen_at": 9, "session_owner__first_linked_at": 9}
NOT_LINKED = {"session_first_seen__first_seen_at": 5}


def units(experiment, session=None, **query):
    """Return the kind of unit, and its variant; None without a treatment."""
    treatments = treatments_of([experiment], 0.0, Query("r", 1, **query), session)
    return [(t.kind, t.variant.name) for t in treatments]


def variant(kind, id_):
    ((_, name),) = units(MODELS, **{f"{kind}_id": id_})
    return name


def test_a_ranking_gets_no_variant_that_only_lists_read():
    assert units(RULES, user_id="u") == []
    assert len(units(RULES, user_id="u", list_request=LIST)) == 1


def test_a_request_without_the_unit_gets_no_variant():
    assert units(MODELS) == []
    assert units(RULES, session_id="s", list_request=LIST) == []


def test_the_unit_first_is_the_user_or_else_the_session():
    assert units(MODELS, user_id="u") == [("user", variant("user", "u"))]
    assert units(MODELS, session_id="s") == [("session", variant("session", "s"))]
    assert units(MODELS, user_id="u", session_id="s") == [("user", variant("user", "u"))]


@pytest.mark.parametrize(
    ("session", "kind"),
    [(LINKED_AT, "session"), (NOT_LINKED, "session"), (NAMED, "user"), ({}, "user")],
)
def test_a_session_that_began_without_a_user_keeps_its_variant(session, kind):
    ((actual, name),) = units(MODELS, session, user_id="u", session_id="s")

    assert actual == kind
    assert name == variant(kind, "u" if kind == "user" else "s")


def test_an_experiment_has_its_occasion():
    timed = Experiment(
        "timed",
        "a",
        "user",
        ALL,
        MODELS.variants,
        Occasion(markets=frozenset(["uk"]), start=1, end=2),
    )

    assert len(units(timed, user_id="u", market="uk")) == 1
    assert units(timed, user_id="u", market="us") == []


def test_the_holdout_gets_no_variant():
    assert treatments_of([MODELS], 1.0, Query("r", 1, user_id="u"), None) == []


def test_a_named_variant_is_no_exposure():
    named = forced_treatments([MODELS, RULES], "models:b,rules:control")

    assert variants_by_name(named) == {"models": "b", "rules": "control"}
    assert exposures(named) == {}


@pytest.mark.parametrize("text", ["models", "models:c", "other:b", "models:b,"])
def test_an_unknown_variant_is_refused_with_the_list(text):
    with pytest.raises(ApiError, match="models:control, models:b"):
        forced_treatments([MODELS], text)
