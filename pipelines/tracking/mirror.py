"""The rankers of a home in MLflow, in step with the home.

The home decides: every call records the versions that MLflow lacks, and moves the aliases.  So a
server that was away, or a process that was killed in between, has what it missed after the next
call.
"""

import logging
import os
from typing import TYPE_CHECKING

from feature_repo.home import Home, Settings
from pipelines.tracking.run import RankerRun
from training.artifacts import SHADOW_MODEL, Version, list_versions, model_names

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, CHALLENGER = "champion", "challenger"
"""Alias of the ranker in use, and of the one that scores in its shadow."""

_VERSION, _STATE = "aisle.version", "aisle.state"
_DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""A server that is away delays a training by seconds, where MLflow would wait for minutes.  And no
request goes to another host than the shop's own."""

_logger = logging.getLogger(__name__)


def track(home: Home) -> str | None:
    """Do `track_rankers` where `MLFLOW_TRACKING_URI` is set; None where it is not."""
    uri = Settings.from_environment().tracking
    return None if uri is None else track_rankers(home, uri)


def track_rankers(home: Home, uri: str) -> str:
    """Record the stored rankers of a home in MLflow; return what happened, in a sentence.

    A server that is away, refuses, or lacks the package never fails what calls this: the sentence
    says so, and the next call records what is missing.

    Args:
        home: whose rankers.
        uri: of the tracking server, or of a SQLite file (`sqlite:///path`).
    """
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient

        recorded = sum(
            _Mirror(MlflowClient(uri, uri), home, name).update() for name in _names(home)
        )
    except ImportError:
        sentence = 'MLflow is not installed: nothing was tracked; pip install "aisle[mlflow]".'
    except Exception as error:  # A service that people only look at must not stop a training.
        sentence = f"MLflow failed, and the next training tries again: {error}"
    else:
        return f"MLflow has all rankers of this home; {recorded} are new."
    _logger.warning("%s", sentence)
    return sentence


def _names(home: Home) -> list[str]:
    """Return the names of the rankers; the shadow comes last, and its alias joins the default's.

    It is there without a version too, so that the alias of a former shadow is removed.
    """
    names = {*model_names(home)}
    return [*sorted(names - {SHADOW_MODEL}), *([SHADOW_MODEL] if names else [])]


class _Mirror:
    """The versions of one ranker of a home, and their copies."""

    def __init__(self, client: "MlflowClient", home: Home, name: str) -> None:
        shown = "default" if name == SHADOW_MODEL else name
        self.client, self.title = client, f"{home.project}-{shown}"
        self.alias = CHALLENGER if name == SHADOW_MODEL else CHAMPION
        self.versions = list_versions(home, name)[::-1]

    def update(self) -> int:
        """Record what is missing; return the number of new runs."""
        copies, new = self._copies(), 0
        experiment = self._experiment()
        for version in self.versions:
            copy = copies.get(version.version)
            if copy is None:
                copy, new = self._record(experiment, version), new + 1
            if copy.tags.get(_STATE) != version.state:
                self.client.set_model_version_tag(self.title, copy.version, _STATE, version.state)
            if version.state == "in use":
                self.client.set_registered_model_alias(self.title, self.alias, copy.version)
        if all(version.state != "in use" for version in self.versions):
            self._remove_alias()
        return new

    def _remove_alias(self) -> None:
        if self.alias in self.client.get_registered_model(self.title).aliases:
            self.client.delete_registered_model_alias(self.title, self.alias)

    def _copies(self) -> "dict[str, ModelVersion]":
        """Return the recorded versions; register the ranker where it is new."""
        if not self.client.search_registered_models(f"name = '{self.title}'"):
            self.client.create_registered_model(self.title)
        recorded = self.client.search_model_versions(f"name = '{self.title}'")
        return {one.tags[_VERSION]: one for one in recorded if _VERSION in one.tags}

    def _experiment(self) -> str:
        experiment = self.client.get_experiment_by_name(self.title)
        return experiment.experiment_id if experiment else self.client.create_experiment(self.title)

    def _record(self, experiment: str, version: Version) -> "ModelVersion":
        """Record a version; what a killed process left of it is deleted."""
        for left in self.client.search_runs(
            [experiment], f"tags.`{_VERSION}` = '{version.version}'"
        ):
            self.client.delete_run(left.info.run_id)
        run = RankerRun.of(version)
        tags = run.tags | {_VERSION: version.version, "mlflow.runName": version.version}
        info = self.client.create_run(experiment, run.started_at, tags).info
        for name, text in run.parameters.items():
            self.client.log_param(info.run_id, name, text)
        for name, value in run.metrics.items():
            self.client.log_metric(info.run_id, name, value)
        for path in run.files:
            self.client.log_artifact(info.run_id, str(path), "ranker")
        self.client.set_terminated(info.run_id)
        return self.client.create_model_version(
            self.title,
            f"{info.artifact_uri}/ranker",
            info.run_id,
            tags={_VERSION: version.version},
            description=version.reason,
        )
