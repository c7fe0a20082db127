"""Changes of the ranker in use, by the functions of `aisle models`."""

from pipelines.console.actions.action import Outcome
from pipelines.console.content import Visit, address
from pipelines.operation import put_in_use, retire, roll_back
from training.artifacts import Version

_DEFAULT = "default"


def promote_model(visit: Visit) -> Outcome:
    """Put a version in use."""
    name = visit.get("model") or _DEFAULT
    return _outcome(put_in_use(visit.home, name, visit.get("version"), _reason(visit)))


def roll_back_model(visit: Visit) -> Outcome:
    """Put the version in use that was in use before."""
    return _outcome(roll_back(visit.home, visit.get("model") or _DEFAULT, _reason(visit)))


def retire_model(visit: Visit) -> Outcome:
    """Mark a version as never to be used again."""
    name = visit.get("model") or _DEFAULT
    return _outcome(retire(visit.home, name, visit.get("version"), _reason(visit)))


def _reason(visit: Visit) -> str:
    """Return the reason, with the name of the key."""
    reason = visit.get("reason")
    return f"{reason} ({visit.author})" if reason else ""


def _outcome(version: Version) -> Outcome:
    return Outcome(address("models"), f"{version.name} {version.version} is now {version.state}.")
