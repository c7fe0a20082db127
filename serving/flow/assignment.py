"""The stage `assign`: the model of a request, and the variants of its shopper."""

from collections.abc import Sequence
from dataclasses import replace

from feature_repo.home import SettingError
from feature_repo.request_features.context import RequestContext
from serving.contract import ApiError
from serving.experiments import Treatment, forced_treatments, treatments_of
from serving.flow.request_state import RequestState
from serving.flow.resources import Resources
from serving.ranking import active_rules
from serving.state import DEFAULT_MODEL, Model, ModelRegistry
from training.experiments import Variant
from training.rules import Rules, draft_path


def assign(models: ModelRegistry, name: str) -> Model:
    """Return the model of a name.

    Raises:
        ApiError: 404.
    """
    model = models.get(name)
    if model is None:
        raise ApiError(404, "model", f"one of {', '.join(models.names())}", repr(name))
    return model


def treat(request: RequestState, context: RequestContext | None) -> None:
    """Let the variants of the shopper change the request.

    The shopper's rows are read before, because a session that began without a user keeps its
    variants.  A request that only looks gets them too, and is no exposure.  A later page of a list
    goes on with the order of the first, and a ranker that the request names stays in use.
    """
    experiments = request.resources.experiments.runnable(request.resources.models.get)
    if not experiments and not request.forced:
        return
    with request.trace.fail_open("assign"):
        treatments = request.forced
        if not request.forced and request.model.name == DEFAULT_MODEL:
            session = None if context is None else context.session
            holdout = request.resources.experiments.holdout
            treatments = treatments_of(experiments, holdout, request.query, session)
            if request.is_look:
                treatments = [replace(each, kind=None) for each in treatments]
        if treatments:
            _apply([treatment.variant for treatment in treatments], request)
            request.treatments = treatments


def _apply(variants: Sequence[Variant], request: RequestState) -> None:
    """Change a request as variants of different experiments say."""
    resources = request.resources
    rules = resources.experiments.rules_of(variants, request.shop_rules)
    request.rules = active_rules(rules, request.query)
    for variant in variants:
        if variant.model is not None:
            request.model = assign(resources.models, variant.model)
        list_request = request.query.list_request
        if variant.sources and list_request is not None:
            surface = list_request.surface.with_sources(variant.sources)
            list_request = replace(list_request, surface=surface)
            request.query = replace(request.query, list_request=list_request)


def forced(resources: Resources, variant: str) -> Sequence[Treatment]:
    """Return the variants that a request names.

    Raises:
        ApiError: 400, there is no such variant.
    """
    if not variant:
        return ()
    return forced_treatments(resources.experiments.runnable(resources.models.get), variant)


def trial_rules(resources: Resources, name: str) -> Rules | None:
    """Return the rules that a request names: none with `off`, else a draft of the console.

    Raises:
        ApiError: 400, there is no such draft, or it has an error.
    """
    if not name:
        return None
    if name == "off":
        return Rules()
    path = draft_path(resources.settings.home, name)
    if path is None or not path.exists():
        raise ApiError(400, "rules", "off, or the name of a draft", repr(name))
    try:
        return Rules.load(path, resources.shop)
    except SettingError as error:
        raise ApiError(400, "rules", "a draft without an error", str(error)) from None
