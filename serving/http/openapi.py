"""The OpenAPI document of the service, from the bodies' own types."""

from typing import Any

import msgspec

from feature_repo.events.contract import SHOP_KINDS
from serving.contract import (
    MAX_BODY_BYTES,
    MAX_ITEMS,
    RECOMMEND_SURFACES,
    AutocompleteAnswer,
    EventsAnswer,
    RankAnswer,
    RankBody,
    RecommendBody,
    SearchBody,
    SlateAnswer,
)
from serving.http.endpoint import FLAGS
from serving.http.person import ErasedAnswer, PersonAnswer

_TYPES = (
    *(RankBody, RankAnswer, EventsAnswer),
    *(SearchBody, RecommendBody, SlateAnswer, AutocompleteAnswer),
    *(PersonAnswer, ErasedAnswer),
)
_REF = "#/components/schemas/{name}"
_REFUSALS = {
    "400": "The body is not what was expected; says where, what and what instead.",
    "404": "No such model, or surface.",
    "405": "Another method.",
    "408": "The body did not come in time.",
    "413": f"More than {MAX_BODY_BYTES} bytes, or {MAX_ITEMS} items.",
}
_GUARDED = {
    "401": "No key, or one that is not known.",
    "403": "A key without the scope that is needed.",
    "429": "More than the key may ask, or than can be served now; Retry-After says when again.",
}
_UNAVAILABLE = {"503": "The log cannot be written; nothing was acknowledged, send again."}
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("field", "expected", "found")},
            "required": ["field", "expected", "found"],
        }
    },
    "required": ["error"],
}


def document() -> dict[str, Any]:
    """The document, as JSON-ready data."""
    schemas = msgspec.json.schema_components(_TYPES, ref_template=_REF)[1]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Aisle", "version": "1", "description": _ABOUT},
        "paths": {
            "/rank/{model}": {"post": _rank()},
            "/search": {"post": _page("search", "Find items for a query.", "SearchBody")},
            "/recommend/{surface}": {"post": _recommend()},
            "/autocomplete": {"get": _autocomplete()},
            "/events": {"post": _events("events", "Take canonical events.")},
            "/feedback": {"post": _events("feedback", "Take events in the open peer's form.")},
            "/users/{user_id}": _users(),
            "/features": {"get": _listed("features", "Every feature, described.")},
            "/models": {"get": _listed("models", "The models and indices in use.")},
            "/schema/{kind}.json": {"get": _schema()},
            "/livez": {"get": _plain("The process answers.")},
            "/readyz": {"get": _ready()},
            "/metrics": {"get": _plain("Metrics, as Prometheus reads them.")},
        },
        "components": {
            "schemas": {**schemas, "Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _rank() -> dict[str, Any]:
    return {
        "operationId": "rank",
        "summary": "Put items in order for one shopper.",
        "parameters": [_path("model"), _flag("explain"), _flag("shown")],
        "requestBody": {"required": True, "content": _json("RankBody")},
        "responses": {"200": _told("The items, best first.", "RankAnswer"), **_refused(_REFUSALS)},
    }


def _page(name: str, summary: str, body: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_flag("explain"), _flag("shown")],
        "requestBody": {"required": True, "content": _json(body)},
        "responses": {
            "200": _told("A page of items, best first.", "SlateAnswer"),
            **_refused(_REFUSALS),
        },
    }


def _recommend() -> dict[str, Any]:
    page = _page("recommend", "Find items for a place of the shop.", "RecommendBody")
    surface = {**_path("surface"), "schema": {"enum": list(RECOMMEND_SURFACES)}}
    return {**page, "parameters": [surface, *page["parameters"]]}


def _autocomplete() -> dict[str, Any]:
    typed = {"name": "q", "in": "query", "schema": {"type": "string"}}
    count = {
        "name": "count",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 50},
    }
    return {
        "operationId": "autocomplete",
        "summary": "Complete what was typed so far.",
        "parameters": [typed, count],
        "responses": {
            "200": _told("Texts to suggest, the likeliest first.", "AutocompleteAnswer"),
            **_refused({"400": _REFUSALS["400"], "405": _REFUSALS["405"]}),
        },
    }


def _events(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "description": "One object, an array, or one a line.  One bad event spoils no other.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {}}}},
        "responses": {
            "200": _told("What became of the events.", "EventsAnswer"),
            **_refused({**_REFUSALS, **_UNAVAILABLE}),
        },
    }


def _schema() -> dict[str, Any]:
    kinds = {"name": "kind", "in": "path", "required": True, "schema": {"enum": list(SHOP_KINDS)}}
    schema = _listed("schema", "JSON Schema of one kind of event.")
    responses = {**schema["responses"], **_refused({"404": "No such kind."})}
    return {**schema, "responses": responses, "parameters": [kinds]}


def _users() -> dict[str, Any]:
    refusals = {"400": _REFUSALS["400"], "405": _REFUSALS["405"]}
    return {
        "get": {
            "operationId": "user",
            "summary": "What is known of a person.",
            "parameters": [_path("user_id")],
            "responses": {"200": _told("It.", "PersonAnswer"), **_refused(refusals)},
        },
        "delete": {
            "operationId": "erase_user",
            "summary": "Forget a person: unknown at once, out of the log at the next refresh.",
            "parameters": [_path("user_id")],
            "responses": {
                "200": _told("The person is forgotten.", "ErasedAnswer"),
                **_refused({**refusals, **_UNAVAILABLE}),
            },
        },
    }


def _listed(name: str, summary: str) -> dict[str, Any]:
    told = {"description": summary, "content": {"application/json": {"schema": {"type": "object"}}}}
    responses = {"200": told, **_refused({"405": _REFUSALS["405"]})}
    return {"operationId": name, "summary": summary, "responses": responses}


def _plain(description: str) -> dict[str, Any]:
    responses = {"200": {"description": description}, **_refused({"405": _REFUSALS["405"]})}
    return {"summary": description, "responses": responses}


def _ready() -> dict[str, Any]:
    plain = _plain("Shoppers may be sent here.")
    waiting = {"503": {"description": "Not yet, or no more."}}
    return {**plain, "responses": {**plain["responses"], **waiting}}


def _told(description: str, name: str) -> dict[str, Any]:
    return {"description": description, "content": _json(name)}


def _refused(statuses: dict[str, str]) -> dict[str, Any]:
    told = {**statuses, **_GUARDED}
    return {status: _told(description, "Error") for status, description in told.items()}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}


def _path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _flag(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string", "enum": list(FLAGS)}}


_ABOUT = (
    "Finds and ranks items for shoppers from live features, and takes the events that make them."
)
