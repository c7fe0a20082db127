"""Evaluations that run the code of the service, which the command line does not import."""

from collections.abc import Callable
from typing import Any, cast

from feature_repo.home import SettingError, extensions


def evaluation(name: str) -> Callable[..., Any]:
    """Return an evaluation of the service, which registers it under `aisle.evaluations`."""
    evaluations = extensions("aisle.evaluations")
    if name not in evaluations:
        raise SettingError(
            f"Expected an evaluation {name} of the installed package, found {list(evaluations)}. "
            "Install it again with `make setup`."
        )
    return cast("Callable[..., Any]", evaluations[name])
