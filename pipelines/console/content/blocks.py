"""The parts of a page, from top to bottom; the template renders each by its kind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from pipelines.console.content.table import Order, Table
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
class Loading:
    """In place of figures that are still computed; a page with scripts asks for them again.

    Attributes:
        what: the figures, as the subject of a sentence.
    """

    kind: ClassVar[str] = "loading"
    what: str


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
    """A plot with its figures.

    Attributes:
        caption: of a sparkline, which has no room for words.
    """

    kind: ClassVar[str] = "figure"
    plot: Plot
    caption: str = ""


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


@dataclass(frozen=True)
class Live:
    """Parts that a page with scripts reads again and again; without scripts they stay.

    Attributes:
        seconds: between two readings; None while nothing changes.
    """

    kind: ClassVar[str] = "live"
    blocks: "Sequence[Block]"
    seconds: int | None


Block = Heading | Text | Notice | Loading | Code | Figure | Form | Table | Live


@dataclass(frozen=True)
class Content:
    """A page: its title, which is also its heading, and its parts."""

    title: str
    blocks: Sequence[Block]

    @property
    def tables(self) -> list[Table]:
        """The tables, which have twins."""
        return [block for block in _flat(self.blocks) if isinstance(block, Table)]

    def ordered(self, order: Order | None) -> "Content":
        """Return the page with one of its tables in an order."""
        return replace(self, blocks=[_ordered(block, order) for block in self.blocks])


def _flat(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Live):
            yield from _flat(block.blocks)
        else:
            yield block


def _ordered(block: Block, order: Order | None) -> Block:
    match block:
        case Table():
            return block.ordered(order)
        case Live():
            return replace(block, blocks=[_ordered(one, order) for one in block.blocks])
    return block
