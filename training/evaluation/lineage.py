"""What a ranker was made from: dataset, features, events and code, each by its hash."""

from typing import Any

from training.artifacts import Manifest


def lineage(manifest: Manifest, version: str) -> list[dict[str, Any]]:
    """Return the chain of a ranker, the ranker first.

    Returns:
        Links with `what`, `id` and `detail`; `id` is empty for what was not recorded.
    """
    parents = manifest.parents
    service = manifest.feature_service.get("name", "")
    newest = parents.get("newest_event", "")
    return [
        _link("ranker", version, f"{len(manifest.columns)} columns of {service}"),
        _link("dataset", parents.get("dataset_sha256"), "sha256 of the dataset file"),
        _link("features", parents.get("definitions_sha256"), "sha256 of views, SQL and shop.toml"),
        _link(
            "events",
            parents.get("log_sha256"),
            f"{parents.get('log_files', '0')} files of the log, the newest event seen at {newest}",
        ),
        _link("code", parents.get("code_sha256"), "sha256 of the code that computes features"),
    ]


def _link(what: str, id_: str | None, detail: str) -> dict[str, Any]:
    return {"what": what, "id": id_ or "", "detail": detail if id_ else ""}
