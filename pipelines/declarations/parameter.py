"""The declaration of a parameter: a value that a person may choose for a run."""

from dataclasses import dataclass
from typing import Any

Value = str | int | float | bool | list[Any]
"""A value of a parameter, as Kubeflow passes it."""


@dataclass(frozen=True)
class Parameter:
    """A value that steps take, with one value for all steps of a run.

    The command line, the pipelines and the docs derive their options from it.

    Attributes:
        name: of the parameter that passes it to a step's function.
        help: what it means, as `--help` prints it.
        type: of its value; a tuple for a list of texts.
        default: its value where nobody chooses one.
        option: on the command line, where it is not its name; may be repeated for a list.
        metavar: what help calls the value.
        item_of: for a parameter with one value for each item of a list, the name of that list.
    """

    name: str
    help: str = ""
    type: type = str
    default: str | int | float | bool | tuple[str, ...] = ""
    option: str = ""
    metavar: str = ""
    item_of: str = ""

    @property
    def value(self) -> Value:
        """The default as Kubeflow takes it."""
        return list(self.default) if isinstance(self.default, tuple) else self.default

    @property
    def flag(self) -> str:
        """The option of the command line, such as `--horizon-days`."""
        return f"--{(self.option or self.name).replace('_', '-')}"
