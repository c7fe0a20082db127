"""The parts of a page, from top to bottom; the template renders each by its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pipelines.console.content.table import Table
from training.plots import Plot


@dataclass(frozen=True)
class Heading:
    """The heading of the parts that follow."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
        link: address of a page that says more.
        label: of the link.
    """

    kind: ClassVar[str] = "text"
    text: str
    link: str = ""
    label: str = ""


@dataclass(frozen=True)
class Notice:
    """A paragraph on what does not work now, and what to do."""

    kind: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True)
class Code:
    """Text for machines, such as SQL, that a reader can open.

    Attributes:
        label: says what it is.
    """

    kind: ClassVar[str] = "code"
    label: str
    text: str


@dataclass(frozen=True)
class Figure:
    """A plot with its figures."""

    kind: ClassVar[str] = "figure"
    plot: Plot


@dataclass(frozen=True)
class FormField:
    """One field of a form; with options a choice of them, by value and label.

    Attributes:
        kind: of the input; an area has several lines.
    """

    name: str
    label: str
    value: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["text", "password", "area", "hidden"] = "text"


@dataclass(frozen=True)
class Form:
    """A form whose fields become the parameters of a page, or change something.

    Attributes:
        is_change: whether it is sent to an action, with the token of the session.
    """

    kind: ClassVar[str] = "form"
    path: str
    label: str
    button: str
    fields: Sequence[FormField]
    is_change: bool = False


Block = Heading | Text | Notice | Code | Figure | Form | Table


@dataclass(frozen=True)
class Content:
    """A page: its title, which is also its heading, and its parts."""

    title: str
    blocks: Sequence[Block]

    @property
    def tables(self) -> list[Table]:
        """The tables, which have twins."""
        return [block for block in self.blocks if isinstance(block, Table)]
