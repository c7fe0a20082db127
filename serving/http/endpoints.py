"""Every route of the service, declared once."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.exceptions import HTTPException

from feature_repo.events.contract import (
    SHOP_KINDS,
    AnyEvent,
    identifier,
    json_schemas,
    kind_of_event,
)
from feature_repo.events.dialects import CANONICAL, parse_feedback
from serving.access import check_scope
from serving.contract import (
    MAX_COMPLETIONS,
    RECOMMEND_SURFACES,
    AutocompleteAnswer,
    DecideAnswer,
    DecideBody,
    ErasedAnswer,
    EventsAnswer,
    PersonAnswer,
    RankAnswer,
    RankBody,
    RecommendBody,
    SearchBody,
    SessionAnswer,
    SlateAnswer,
)
from serving.http.endpoint import Call, Endpoint
from serving.monitoring import CONTENT_TYPE, exposition, quality_exposition, run_in_pool

_PARAMETER_SCOPES = {"explain": "users", "shown": "events", "variant": "users"}
"""`explain` reads the features of the shopper, `shown` writes a ranking event, `variant` is for
those who look at the shop as a shopper of an experiment sees it, and `rules` for those who change
rules."""

_LIST_SCOPES = {**_PARAMETER_SCOPES, "rules": "operate"}

_VARIANT = {"variant": {"type": "string"}}
_TRIALS = {**_VARIANT, "rules": {"type": "string"}}

_PARTLY = {
    207: "Some events were quarantined.",
    422: "All events were quarantined.",
}
_LOG_UNAVAILABLE = {503: "The log cannot be written; nothing was acknowledged, send again."}


@Endpoint(
    method="POST",
    path="/rank/{model}",
    body=RankBody,
    answer=RankAnswer,
    result="The items, best first.",
    scope="answers",
    kind="answers",
    metric="rank",
    flags=("explain", "shown"),
    query=_VARIANT,
    parameter_scopes=_PARAMETER_SCOPES,
    errors={404: "Unknown model."},
)
async def rank(call: Call) -> RankAnswer:
    """Put items in order for one shopper."""
    from serving.flow import answer

    variant = call.query.get("variant", "")
    name = call.path["model"]
    return await answer(call.resources, name, call.body, variant=variant, **call.flags)


@Endpoint(
    method="POST",
    path="/search",
    body=SearchBody,
    answer=SlateAnswer,
    result="A page of items, best first.",
    scope="answers",
    kind="answers",
    metric="search",
    flags=("explain", "shown"),
    query=_TRIALS,
    parameter_scopes=_LIST_SCOPES,
)
async def search(call: Call) -> SlateAnswer:
    """Find items for a query."""
    return await _list(call, "search")


@Endpoint(
    method="POST",
    path="/recommend/{surface}",
    body=RecommendBody,
    answer=SlateAnswer,
    result="A page of items, best first.",
    scope="answers",
    kind="answers",
    metric="{surface}",
    flags=("explain", "shown"),
    query=_TRIALS,
    parameter_scopes=_LIST_SCOPES,
    choices={"surface": RECOMMEND_SURFACES},
)
async def recommend(call: Call) -> SlateAnswer:
    """Find items for a surface of the shop."""
    return await _list(call, call.path["surface"])


@Endpoint(
    method="POST",
    path="/decide/{bandit}",
    body=DecideBody,
    answer=DecideAnswer,
    result="The arm to show, and the id that its reward names.",
    scope="answers",
    kind="answers",
    metric="decide",
    errors={404: "Unknown bandit."},
)
async def decide(call: Call) -> DecideAnswer:
    """Choose an arm of a bandit.

    The decision is logged.  Its reward is an interaction of type `reward` whose `request_id` is the
    decision's id and whose item is the arm.
    """
    from serving.flow import decide

    return await decide(call.resources, call.path["bandit"], call.body)


@Endpoint(
    method="GET",
    path="/autocomplete",
    answer=AutocompleteAnswer,
    result="Completions, the likeliest first.",
    scope="answers",
    kind="answers",
    queues=False,
    metric="autocomplete",
    query={
        "q": {"type": "string"},
        "count": {"type": "integer", "minimum": 1, "maximum": MAX_COMPLETIONS},
        "market": {"type": "string"},
    },
)
async def autocomplete(call: Call) -> AutocompleteAnswer:
    """Complete a partly typed query."""
    from serving.flow import complete

    return complete(call.resources.models, call.query)


@Endpoint(
    method="POST",
    path="/events",
    body=bytes,
    answer=EventsAnswer,
    result="How many events were accepted, duplicate and quarantined.",
    scope="events",
    kind="events",
    metric="events",
    errors=_LOG_UNAVAILABLE,
    outcomes=_PARTLY,
)
async def events(call: Call) -> EventsAnswer:
    """Ingest canonical events.

    One object, an array, or one object per line.  An invalid event does not reject the others.
    The status is 207 where some events were quarantined, and 422 where all were.
    """
    return await _ingest(call, CANONICAL.parse, "events")


@Endpoint(
    method="POST",
    path="/feedback",
    body=bytes,
    answer=EventsAnswer,
    result="How many events were accepted, duplicate and quarantined.",
    scope="events",
    kind="events",
    metric="feedback",
    errors=_LOG_UNAVAILABLE,
    outcomes=_PARTLY,
)
async def feedback(call: Call) -> EventsAnswer:
    """Ingest events in Metarank's format, or in a dialect of an installed package.

    One object, an array, or one object per line.  An invalid event does not reject the others.
    The status is 207 where some events were quarantined, and 422 where all were.
    """
    return await _ingest(call, parse_feedback, "feedback")


@Endpoint(
    method="GET",
    path="/users/{user_id:path}",
    answer=PersonAnswer,
    result="The user's features.",
    scope="users",
    kind="events",
    queues=False,
)
async def user(call: Call) -> PersonAnswer:
    """Read the stored features of a user."""
    from serving.http.users import read_user

    return await read_user(call.resources, identifier(call.path["user_id"], "user"))


@Endpoint(
    method="GET",
    path="/sessions/{session_id:path}",
    answer=SessionAnswer,
    result="The session's features, and its owner.",
    scope="users",
    kind="events",
    queues=False,
)
async def session(call: Call) -> SessionAnswer:
    """Read the stored features of a session, and the user to whom it belongs."""
    from serving.http.users import read_session

    return await read_session(call.resources, identifier(call.path["session_id"], "session"))


@Endpoint(
    method="DELETE",
    path="/users/{user_id:path}",
    answer=ErasedAnswer,
    result="The user is erased.",
    scope="users",
    kind="events",
    errors=_LOG_UNAVAILABLE,
)
async def erase_user(call: Call) -> ErasedAnswer:
    """Erase a user: immediately from the features, at the next refresh from the log."""
    from serving.http.users import erase

    user_id = identifier(call.path["user_id"], "user")
    return await run_in_pool(call.resources.writers, lambda: erase(call.resources, user_id))


@Endpoint(
    method="GET",
    path="/features",
    result="Feature views, and the features each feature service reads.",
    scope="answers",
)
async def features(call: Call) -> dict[str, Any]:
    """Describe every feature."""
    described: dict[str, Any] = call.resources.features
    return described


@Endpoint(
    method="GET",
    path="/models",
    result="Models and indexes, with versions.",
    scope="answers",
)
async def models(call: Call) -> dict[str, Any]:
    """List the models and indexes in use."""
    from serving.flow import describe_models

    return describe_models(call.resources.models)


@Endpoint(
    method="GET",
    path="/schema/{kind}.json",
    result="The JSON Schema.",
    choices={"kind": tuple(SHOP_KINDS)},
)
async def schema(call: Call) -> dict[str, Any]:
    """Return the JSON Schema of one event kind."""
    return json_schemas()[call.path["kind"]]


@Endpoint(
    method="GET",
    path="/metrics",
    answer=bytes,
    result="Metrics in Prometheus' text format.",
    scope="metrics",
    media_type=CONTENT_TYPE,
)
async def metrics(call: Call) -> bytes:
    """Return the metrics of all processes of the service, and the home's quality figures."""
    resources = call.resources
    quality = quality_exposition(resources.settings.home, resources.clock.now())
    return exposition() + quality


@Endpoint(
    method="GET",
    path="/openapi.json",
    result="This document.",
    aliases=("/docs.json",),
)
async def openapi(_: Call) -> dict[str, Any]:
    """Return the OpenAPI document."""
    from serving.http.openapi import document

    return document(ENDPOINTS)


@Endpoint(method="GET", path="/livez", answer=bytes, result="The process answers.", is_probe=True)
async def live(_: Call) -> None:
    """Check that the process answers."""
    raise HTTPException(405, headers={"Allow": "GET"})


@Endpoint(
    method="GET",
    path="/readyz",
    answer=bytes,
    result="The service takes requests.",
    is_probe=True,
    errors={503: "Not ready yet, or shutting down."},
)
async def ready(_: Call) -> None:
    """Check that the service takes requests."""
    raise HTTPException(405, headers={"Allow": "GET"})


@Endpoint(method="GET", path="/", result="The name of the service, and where its document is.")
async def index(_: Call) -> dict[str, Any]:
    """Point to the OpenAPI document.

    It replaces BentoML's own page, which would load a script of a third party.
    """
    return {"service": "aisle", "openapi": "/openapi.json"}


async def _list(call: Call, surface: str) -> SlateAnswer:
    from serving.flow import answer_page

    variant, rules = call.query.get("variant", ""), call.query.get("rules", "")
    return await answer_page(
        call.resources, surface, call.body, variant=variant, rules=rules, **call.flags
    )


async def _ingest(
    call: Call, parse: Callable[[Any], Sequence[AnyEvent]], dialect: str
) -> EventsAnswer:
    resources = call.resources

    def check(event: AnyEvent) -> None:
        check_scope(call.scopes, kind_of_event(event).scope_of(event))

    answer: EventsAnswer = await run_in_pool(
        resources.writers, lambda: resources.event_intake.ingest(call.body, parse, dialect, check)
    )
    return answer


ENDPOINTS: tuple[Endpoint, ...] = tuple(
    declared for declared in vars().values() if isinstance(declared, Endpoint)
)
"""All declarations of this module, in their order."""
