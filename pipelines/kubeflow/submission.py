"""Submit pipelines to a Kubeflow cluster: versions, runs and schedules, through its API.

A pipeline has the same name there.  Each compiled text is a version, named by its hash, and is
uploaded once.
"""

import contextlib
import hashlib
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_repo.home import PipelineError
from pipelines.declarations import Pipeline
from pipelines.kubeflow.cluster import ClusterSettings
from pipelines.kubeflow.compilation import compile_pipeline

if TYPE_CHECKING:
    from kfp import Client

EXPERIMENT = "aisle"
_LISTED = 100
"""Runs, versions or schedules of one answer of the API."""


@dataclass(frozen=True)
class Target:
    """Where runs are submitted.

    Attributes:
        host: URL of the Kubeflow Pipelines API.
        namespace: of the runs; None for an API of a single user.
        experiment: groups runs in Kubeflow, and is created where it does not exist.
    """

    host: str
    namespace: str | None = None
    experiment: str = EXPERIMENT


@dataclass(frozen=True)
class Submission:
    """What was submitted; `run_id` or `recurring_run_id`."""

    pipeline: str
    pipeline_id: str
    version: str
    version_id: str
    experiment_id: str
    run_id: str | None = None
    recurring_run_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the submission as plain values."""
        return asdict(self)


def submit_pipeline(
    pipeline: Pipeline,
    target: Target,
    values: Mapping[str, Any],
    *,
    schedule: str | None = None,
    cluster: ClusterSettings | None = None,
) -> Submission:
    """Start a run in a cluster, or with a schedule let runs start by it.

    Args:
        pipeline: as declared.
        target: where.
        values: of its parameters, by name.
        schedule: six fields of cron, seconds first, such as `0 0 3 * * *`; a schedule of this
            pipeline in the experiment is replaced.
        cluster: settings of the pods.

    Raises:
        PipelineError: the API does not answer, or refuses.
    """
    with _client(target) as client, tempfile.TemporaryDirectory() as scratch:
        text = compile_pipeline(pipeline, Path(scratch) / f"{pipeline.name}.yaml", cluster)
        pipeline_id, version, version_id = _version(client, pipeline, text, target)
        experiment = client.create_experiment(target.experiment, namespace=target.namespace)
        ids = {"pipeline_id": pipeline_id, "version_id": version_id}
        submitted = Submission(
            pipeline.name, pipeline_id, version, version_id, experiment.experiment_id
        )
        if schedule is None:
            run = client.run_pipeline(
                experiment.experiment_id, f"{pipeline.name} {version}", params={**values}, **ids
            )
            return Submission(**{**submitted.to_dict(), "run_id": run.run_id})
        former = _schedules(client, pipeline.name, experiment.experiment_id)
        recurring = client.create_recurring_run(
            experiment.experiment_id,
            pipeline.name,
            description=pipeline.description,
            cron_expression=schedule,
            no_catchup=True,
            params={**values},
            **ids,
        )
        for one in former:
            client.delete_recurring_run(one)
        return Submission(**{**submitted.to_dict(), "recurring_run_id": recurring.recurring_run_id})


def list_runs(target: Target, name: str | None = None) -> list[dict[str, Any]]:
    """Return the newest runs of the experiment, of one pipeline or of all.

    Raises:
        PipelineError: the API does not answer, or refuses.
    """
    with _client(target) as client:
        experiment = client.create_experiment(target.experiment, namespace=target.namespace)
        runs = client.list_runs(
            experiment_id=experiment.experiment_id,
            page_size=_LISTED,
            sort_by="created_at desc",
            namespace=target.namespace,
        ).runs
    return [
        {
            "run": run.run_id,
            "name": run.display_name,
            "state": run.state,
            "at": run.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "error": run.error.message if run.error is not None else "",
        }
        for run in runs or ()
        if name is None or run.display_name.split(" ")[0] == name
    ]


@contextlib.contextmanager
def _client(target: Target) -> Iterator["Client"]:
    """Yield a client of the API; its own output goes to standard error."""
    import kfp_server_api
    from kfp import Client
    from urllib3.exceptions import HTTPError

    namespace = {} if target.namespace is None else {"namespace": target.namespace}
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "This client only works", FutureWarning)
        try:
            yield Client(host=target.host, **namespace)
        except kfp_server_api.ApiException as error:
            raise PipelineError(
                f"{target.host}: expected Kubeflow to accept the request, found status "
                f"{error.status}: {error.body or error.reason}"
            ) from error
        except (HTTPError, OSError) as error:
            raise PipelineError(
                f"{target.host}: expected the API of Kubeflow Pipelines to answer, found {error}. "
                "Check --host; a port-forward of ml-pipeline-ui serves it on 127.0.0.1."
            ) from error


def _version(
    client: "Client", pipeline: Pipeline, text: Path, target: Target
) -> tuple[str, str, str]:
    """Return the ids of the pipeline and of the version of a compiled text, and that version."""
    version = hashlib.sha256(text.read_bytes()).hexdigest()[:12]
    pipeline_id = client.get_pipeline_id(pipeline.name)
    if pipeline_id is None:
        uploaded = client.upload_pipeline(
            str(text),
            pipeline_name=pipeline.name,
            description=pipeline.description,
            namespace=target.namespace,
        )
        pipeline_id = uploaded.pipeline_id
    versions = client.list_pipeline_versions(pipeline_id, page_size=_LISTED).pipeline_versions
    for one in versions or ():
        if one.display_name == version:
            return pipeline_id, version, one.pipeline_version_id
    added = client.upload_pipeline_version(
        str(text), pipeline_version_name=version, pipeline_id=pipeline_id
    )
    return pipeline_id, version, added.pipeline_version_id


def _schedules(client: "Client", name: str, experiment_id: str) -> list[str]:
    """Return the ids of a pipeline's schedules in an experiment."""
    recurring = client.list_recurring_runs(
        experiment_id=experiment_id, page_size=_LISTED
    ).recurring_runs
    return [one.recurring_run_id for one in recurring or () if one.display_name == name]
