"""The client has a method for each endpoint, which sends the declared request."""

import inspect

import httpx
import pytest
from starlette.routing import compile_path

from pipelines.service import AisleClient
from serving.http.endpoints import ENDPOINTS


def arguments(method):
    """Return a value for each required parameter."""
    required = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
    return [["value"] if "Sequence" in str(p.annotation) else "value" for p in required]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_the_method_of_an_endpoint_sends_the_declared_request(endpoint):
    requests = []

    def answer(request):
        requests.append(request)
        return httpx.Response(200, json={})

    with AisleClient(transport=httpx.MockTransport(answer)) as client:
        method = getattr(client, endpoint.name, None)
        assert method is not None, f"pipelines/service/client.py lacks {endpoint.name}()"
        method(*arguments(method))

    (request,) = requests
    assert request.method == endpoint.method
    assert compile_path(endpoint.path)[0].match(request.url.path)
    assert bool(request.content) == (endpoint.body is not None)


def test_every_public_method_belongs_to_an_endpoint():
    methods = {name for name in vars(AisleClient) if not name.startswith("_")}

    assert methods - {"close"} == {endpoint.name for endpoint in ENDPOINTS}
