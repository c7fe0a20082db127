"""What a ranker was made from: dataset, features, events and code, each by its hash."""

import uuid
from typing import Any

from training.artifacts import Change, Version

_PRODUCER = "urn:aisle"
_SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_JOBS = (
    ("transform_features", "events", "features"),
    ("build_dataset", "features", "dataset"),
    ("train_ranker", "dataset", "ranker"),
)
"""The steps between the links of the chain: name, input, output."""


def lineage(version: Version) -> list[dict[str, Any]]:
    """Return the chain of a ranker, the ranker first.

    Returns:
        Links with `what`, `id` and `detail`; `id` is empty for what was not recorded.
    """
    manifest = version.manifest
    parents = manifest.parents
    service = manifest.feature_service.get("name", "")
    newest = parents.get("newest_event", "")
    return [
        _link("ranker", version.version, f"{len(manifest.columns)} columns of {service}"),
        _link("dataset", parents.get("dataset_sha256"), "sha256 of the dataset file"),
        _link("features", parents.get("definitions_sha256"), "sha256 of views, SQL and shop.toml"),
        _link(
            "events",
            parents.get("log_sha256"),
            f"{parents.get('log_files', '0')} files of the log, the newest event seen at {newest}",
        ),
        _link("code", parents.get("code_sha256"), "sha256 of the code that computes features"),
        _link("run", version.run, "the pipeline run that stored the ranker"),
    ]


def open_lineage(
    chain: list[dict[str, Any]], change: Change, namespace: str
) -> list[dict[str, Any]]:
    """Return a chain as run events of OpenLineage, one for each step.

    The specification is at https://openlineage.io/spec/2-0-2/OpenLineage.json.

    Args:
        chain: as `lineage` returns it.
        change: the ranker's publication, whose time the events have.
        namespace: of jobs and datasets: the project of the home.
    """
    ids = {link["what"]: link["id"] for link in chain}
    return [
        {
            "eventType": "COMPLETE",
            "eventTime": change.at,
            "run": {"runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{job}/{ids[made]}"))},
            "job": {"namespace": namespace, "name": job},
            "inputs": [_dataset(namespace, read, ids[read])],
            "outputs": [_dataset(namespace, made, ids[made])],
            "producer": _PRODUCER,
            "schemaURL": _SCHEMA,
        }
        for job, read, made in _JOBS
        if ids[read] and ids[made]
    ]


def _dataset(namespace: str, name: str, version: str) -> dict[str, Any]:
    facet = {
        "_producer": _PRODUCER,
        "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json",
        "datasetVersion": version,
    }
    return {"namespace": namespace, "name": name, "facets": {"version": facet}}


def _link(what: str, id_: str | None, detail: str) -> dict[str, Any]:
    return {"what": what, "id": id_ or "", "detail": detail if id_ else ""}
