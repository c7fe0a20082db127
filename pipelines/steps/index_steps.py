"""The step that fits what candidates come from."""

from pathlib import Path

from feature_repo.home import Home, exclusive
from pipelines.declarations import Report


def publish_indexes(home: Path) -> Report:
    """Fit the candidate indexes on the log and the features, and publish them."""
    from training.retrieval.sources import publish_indexes as publish

    folder = Home(home)
    with exclusive(folder, "an index", wait=True):
        return publish(folder).to_dict()
