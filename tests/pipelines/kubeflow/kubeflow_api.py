"""An HTTP server that speaks the API of Kubeflow Pipelines, by the models of `kfp-server-api`.

It stores pipelines, versions, experiments, runs and schedules in memory.  A client's request is
read into the API's own models, and every answer is one of them, so a wrong field fails a test.
"""

import email
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import kfp_server_api as api
import yaml

_CODEC = api.ApiClient()
_ROOT = "/apis/v2beta1"


class KubeflowApi:
    """The state of the server.

    Attributes:
        refusal: a status that every request but the health check gets, where it is not None.
    """

    def __init__(self) -> None:
        self.pipelines: list[api.V2beta1Pipeline] = []
        self.versions: list[api.V2beta1PipelineVersion] = []
        self.experiments: list[api.V2beta1Experiment] = []
        self.runs: list[api.V2beta1Run] = []
        self.recurring: list[api.V2beta1RecurringRun] = []
        self.refusal: int | None = None
        self._last = 0

    def answer(self, request: "Request"):
        """Return the model that answers a request; KeyError where the API has no such path."""
        path = re.sub(r"/(pipelines|recurringruns)/id-\d+", r"/\1/ID", request.path)
        return {
            "GET /healthz": lambda: api.V2beta1GetHealthzResponse(multi_user=False),
            "GET /pipelines": lambda: api.V2beta1ListPipelinesResponse(
                pipelines=request.filtered(self.pipelines)
            ),
            "POST /pipelines/upload": lambda: self._upload(request),
            "POST /pipelines/upload_version": lambda: self._upload_version(request),
            "GET /pipelines/ID/versions": lambda: api.V2beta1ListPipelineVersionsResponse(
                pipeline_versions=[
                    one for one in self.versions if one.pipeline_id == request.path.split("/")[2]
                ]
            ),
            "GET /experiments": lambda: api.V2beta1ListExperimentsResponse(
                experiments=request.filtered(self.experiments)
            ),
            "POST /experiments": lambda: self._create_experiment(request),
            "GET /runs": lambda: api.V2beta1ListRunsResponse(runs=self.runs[::-1]),
            "POST /runs": lambda: self._create_run(request),
            "GET /recurringruns": lambda: api.V2beta1ListRecurringRunsResponse(
                recurring_runs=self.recurring
            ),
            "POST /recurringruns": lambda: self._create_recurring(request),
            "DELETE /recurringruns/ID": lambda: self._delete_recurring(request),
        }[f"{request.method} {path}"]()

    def _id(self) -> str:
        self._last += 1
        return f"id-{self._last}"

    def _upload(self, request):
        name = request.query["name"]
        pipeline = api.V2beta1Pipeline(
            pipeline_id=self._id(),
            display_name=name,
            description=request.query.get("description"),
            namespace=request.query.get("namespace"),
            created_at=datetime.now(UTC),
        )
        self.pipelines.append(pipeline)
        self._add_version(pipeline.pipeline_id, name, request)
        return pipeline

    def _upload_version(self, request):
        return self._add_version(request.query["pipelineid"], request.query["name"], request)

    def _add_version(self, pipeline_id, name, request):
        pipeline, platform = yaml.safe_load_all(request.file())
        version = api.V2beta1PipelineVersion(
            pipeline_id=pipeline_id,
            pipeline_version_id=self._id(),
            display_name=name,
            created_at=datetime.now(UTC),
            pipeline_spec={"pipeline_spec": pipeline, "platform_spec": platform},
        )
        self.versions.append(version)
        return version

    def _create_experiment(self, request):
        experiment = request.model("V2beta1Experiment")
        experiment.experiment_id = self._id()
        self.experiments.append(experiment)
        return experiment

    def _create_run(self, request):
        run = request.model("V2beta1Run")
        self._check(run)
        run.run_id, run.state, run.created_at = self._id(), "PENDING", datetime.now(UTC)
        self.runs.append(run)
        return run

    def _create_recurring(self, request):
        recurring = request.model("V2beta1RecurringRun")
        self._check(recurring)
        recurring.recurring_run_id = self._id()
        self.recurring.append(recurring)
        return recurring

    def _delete_recurring(self, request):
        (gone,) = [one for one in self.recurring if one.recurring_run_id in request.path]
        self.recurring.remove(gone)

    def _check(self, run) -> None:
        """Check as the real API does: the version exists, and it has every parameter."""
        version_id = run.pipeline_version_reference.pipeline_version_id
        (version,) = [one for one in self.versions if one.pipeline_version_id == version_id]
        spec = version.pipeline_spec["pipeline_spec"]
        declared = spec["root"]["inputDefinitions"]["parameters"]
        assert run.runtime_config.parameters.keys() <= declared.keys()
        assert run.experiment_id in [one.experiment_id for one in self.experiments]


class Request(SimpleNamespace):
    """One request: `method`, `path` below the root, `query`, `body`, and the `kind` of the body."""

    def model(self, name: str):
        """The body as a model of the API."""
        return _CODEC.deserialize(SimpleNamespace(data=self.body.decode()), name)

    def file(self) -> bytes:
        """The uploaded file of a multipart body."""
        head = f"Content-Type: {self.kind}\r\n\r\n".encode()
        (part,) = email.message_from_bytes(head + self.body).get_payload()
        return part.get_payload(decode=True)

    def filtered(self, models):
        """The models whose display name the query's filter names."""
        if not self.query.get("filter"):
            return models
        (predicate,) = json.loads(self.query["filter"])["predicates"]
        assert (predicate["operation"], predicate["key"]) == (1, "display_name")  # 1: EQUALS
        return [one for one in models if one.display_name == predicate["stringValue"]]


@contextmanager
def kubeflow_api() -> Iterator[tuple[str, KubeflowApi]]:
    """Serve the API on a free port of loopback; yields its URL and its state."""
    state = KubeflowApi()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            assert url.path.startswith(_ROOT), self.path
            request = Request(
                method=self.command,
                path=url.path.removeprefix(_ROOT),
                query=query,
                body=body,
                kind=self.headers.get("Content-Type", ""),
            )
            status, answer = 200, {}
            if state.refusal is not None and request.path != "/healthz":
                status, answer = state.refusal, {"error": "the user may not do this"}
            else:
                answer = _CODEC.sanitize_for_serialization(state.answer(request)) or {}
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - names of the library

        def log_message(self, *_) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", state
        finally:
            server.shutdown()
            thread.join()
