"""Every declared endpoint has a route, schema, scope, limit, metric label and docs."""

import pytest
from starlette.routing import Route

from feature_repo.home import CHECKOUT
from feature_repo.home.api_keys import SCOPES
from serving.access import concurrency_limits
from serving.http.endpoints import ENDPOINTS
from serving.http.openapi import document
from serving.http.routing import PathApp, UnknownPath, routes
from tests.serving.http.reference import page

WRITE_PAGE = "write it with `python -m tests.serving.http.reference > docs/http.md`"


def each_endpoint(test):
    return pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.name)(test)


def test_names_and_routes_are_unique():
    names = [endpoint.name for endpoint in ENDPOINTS]
    declared = [(endpoint.method, endpoint.path) for endpoint in ENDPOINTS]

    assert len(set(names)) == len(names)
    assert len(set(declared)) == len(declared)


@each_endpoint
def test_an_endpoint_has_a_summary_and_a_handler(endpoint):
    assert endpoint.handler is not None
    assert endpoint.summary.endswith("."), f"{endpoint.name}: the handler has no docstring"


@each_endpoint
def test_an_endpoint_is_routed_by_its_path(endpoint):
    routed = {route.path: route.app for route in routes(ENDPOINTS)}

    for path in (endpoint.path, *endpoint.aliases):
        assert endpoint in routed[path].endpoints


def test_every_route_comes_from_an_endpoint():
    *declared, last = routes(ENDPOINTS)

    assert all(isinstance(route, Route) for route in declared)
    assert all(isinstance(route.app, PathApp) for route in declared)
    assert last.app is UnknownPath


@each_endpoint
def test_an_endpoint_has_an_existing_scope_and_limit(endpoint):
    assert endpoint.scope in (None, *SCOPES)
    assert endpoint.kind in (None, *concurrency_limits())


def test_every_scope_opens_an_endpoint():
    opened = {scope for endpoint in ENDPOINTS for scope in endpoint.parameter_scopes.values()}
    assert {endpoint.scope for endpoint in ENDPOINTS} | opened == {None, *SCOPES}


@each_endpoint
def test_an_endpoint_that_takes_a_body_is_limited_and_timed(endpoint):
    if endpoint.body is not None:
        assert endpoint.kind is not None
        assert endpoint.metric is not None


@each_endpoint
def test_choices_and_metric_labels_are_path_parameters(endpoint):
    assert set(endpoint.choices) <= set(endpoint.path_parameters)
    if endpoint.metric is not None:
        values = {name: "value" for name in endpoint.path_parameters}
        assert endpoint.metric.format_map(values)


def test_the_openapi_document_has_every_endpoint_and_nothing_else():
    operations = [
        (method.upper(), path, operation["operationId"])
        for path, methods in document(ENDPOINTS)["paths"].items()
        for method, operation in methods.items()
    ]

    assert sorted(operations) == sorted((e.method, e.template, e.name) for e in ENDPOINTS)


@each_endpoint
def test_the_openapi_document_has_the_types_of_body_and_answer(endpoint):
    described = document(ENDPOINTS)
    operation = described["paths"][endpoint.template][endpoint.method.lower()]
    schemas = described["components"]["schemas"]

    assert ("requestBody" in operation) == (endpoint.body is not None)
    assert ("content" in operation["responses"]["200"]) == (endpoint.answer is not bytes)
    for type_ in (endpoint.body, endpoint.answer):
        if type_ not in (None, bytes, dict):
            assert type_.__name__ in schemas


def test_the_documentation_of_endpoints_is_current():
    written = (CHECKOUT / "docs" / "http.md").read_text(encoding="utf-8")

    assert written == page(ENDPOINTS), WRITE_PAGE
