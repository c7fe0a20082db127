"""Changes of the ranker in use, each with a sentence for the history; MLflow follows them."""

from feature_repo.home import Home, SettingError
from pipelines.tracking import track
from training.artifacts import Version, find_version, former_version, promote
from training.artifacts import retire as retire_version
from training.artifacts import roll_back as roll_back_version
from training.evaluation import check_served


def put_in_use(home: Home, name: str, version: str, reason: str) -> Version:
    """Put a stored version of a ranker in use.

    Raises:
        ArtifactError: it is unknown, damaged or retired, or reads features that are not served.
        SettingError: there is no reason.
    """
    _check(reason)
    one = find_version(home, name, version)
    check_served(home, one.manifest)
    return _tracked(home, promote(home, name, one.version, reason))


def roll_back(home: Home, name: str, reason: str) -> Version:
    """Put the version in use that was in use before.

    Raises:
        ArtifactError: there is none, it is damaged, or reads features that are not served.
        SettingError: there is no reason.
    """
    _check(reason)
    former = former_version(home, name)
    if former is not None:
        check_served(home, find_version(home, name, former).manifest)
    return _tracked(home, roll_back_version(home, name, reason))


def retire(home: Home, name: str, version: str, reason: str) -> Version:
    """Mark a version of a ranker as one that is never used again.

    Raises:
        ArtifactError: it is unknown, or in use.
        SettingError: there is no reason.
    """
    _check(reason)
    return _tracked(home, retire_version(home, name, version, reason))


def _tracked(home: Home, version: Version) -> Version:
    """Show a change in MLflow, where the shop uses it; the log names a failure."""
    track(home)
    return version


def _check(reason: str) -> None:
    if not reason.strip():
        raise SettingError("reason: expected one sentence for the history, found none.")
