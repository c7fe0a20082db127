"""Options of the command line, derived from the parameters that steps declare."""

import argparse
from collections.abc import Iterable
from typing import Any

from feature_repo.home import SettingError
from pipelines.declarations import Parameter


def add_parameters(verb: argparse.ArgumentParser, parameters: Iterable[Parameter]) -> None:
    """Declare an option for each parameter; its value is None where nobody chooses one."""
    for one in parameters:
        options: dict[str, Any] = {"dest": one.name, "help": one.help, "default": None}
        if one.type is bool:
            options["action"] = "store_true"
        elif one.type is tuple:
            options |= {"action": "append", "metavar": one.metavar or None}
        else:
            options |= {"type": one.type, "metavar": one.metavar or None}
        verb.add_argument(one.flag, **options)


def chosen(args: argparse.Namespace, parameters: Iterable[Parameter], of: str) -> dict[str, Any]:
    """Return the values that a command line chooses, by name.

    Args:
        args: the parsed command line.
        parameters: those that may be chosen; a parsed option of another parameter is refused.
        of: what has these parameters, for the message.

    Raises:
        SettingError: an option is of no parameter of `of`.
    """
    accepted = {one.name: one for one in parameters}
    values = {name: value for name, value in vars(args).items() if value is not None}
    declared: dict[str, Parameter] = getattr(args, "declared", {})
    if surplus := sorted(values.keys() & (declared.keys() - accepted.keys())):
        flags = ", ".join(one.flag for one in accepted.values()) or "none"
        raise SettingError(
            f"{of}: expected the options {flags}, found {declared[surplus[0]].flag}."
        )
    return {name: values[name] for name in accepted if name in values}
