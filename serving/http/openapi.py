"""The OpenAPI document, derived from the endpoints and the types of their bodies and answers."""

from collections.abc import Sequence
from typing import Any

import msgspec

from serving.http.endpoint import FLAGS, Endpoint

_REF = "#/components/schemas/{name}"
_ERROR = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                name: {"type": "string"} for name in ("field", "expected", "found", "hint")
            },
            "required": ["field", "expected", "found"],
        }
    },
    "required": ["error"],
}
_DESCRIPTION = "Searches and recommendations for shoppers, and the events behind them."


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the document as JSON-ready data."""
    structs = {t for e in endpoints for t in (e.body, e.answer) if _is_struct(t)}
    schemas = msgspec.json.schema_components(
        sorted(structs, key=lambda struct: struct.__name__), ref_template=_REF
    )[1]
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.template, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Aisle", "version": "1", "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Error": _ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": endpoint.name, "summary": endpoint.summary}
    if endpoint.description:
        operation["description"] = endpoint.description
    if parameters := _parameters(endpoint):
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body)}
    if endpoint.scope is not None:
        operation["security"] = [{}, {"key": []}]  # A home without keys is open on loopback.
    operation["responses"] = _responses(endpoint)
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _path_schema(endpoint, name)}
        for name in endpoint.path_parameters
    ]
    flag = {"type": "string", "enum": list(FLAGS)}
    in_query = [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in {**endpoint.query, **dict.fromkeys(endpoint.flags, flag)}.items()
    ]
    return [*in_path, *in_query]


def _path_schema(endpoint: Endpoint, name: str) -> dict[str, Any]:
    choices = endpoint.choices.get(name)
    return {"type": "string"} if choices is None else {"enum": list(choices)}


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    success: dict[str, Any] = {"description": endpoint.result}
    if endpoint.answer is not bytes:
        success["content"] = _content(endpoint.answer)
    error = {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}}
    errors = {
        str(status): {"description": description, "content": error}
        for status, description in endpoint.error_statuses.items()
    }
    if endpoint.is_probe and "503" in errors:
        del errors["503"]["content"]
    outcomes = {
        str(status): {**success, "description": description}
        for status, description in endpoint.outcomes.items()
    }
    return {"200": success, **outcomes, **errors}


def _content(type_: type) -> dict[str, Any]:
    """Return the media types of a body or an answer."""
    if _is_struct(type_):
        schema: dict[str, Any] = {"$ref": _REF.format(name=type_.__name__)}
    else:
        schema = {"type": "object"} if type_ is dict else {}
    return {"application/json": {"schema": schema}}


def _is_struct(type_: type | None) -> bool:
    return type_ is not None and issubclass(type_, msgspec.Struct)
