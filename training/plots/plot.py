"""A plot with its figures, and tables of figures as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Table:
    """Figures in rows; the first cell of a row is its heading.

    Attributes:
        caption: says what the figures are.
        head: H column headings.
        rows: each of H texts.
    """

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __html__(self) -> str:
        """Return the table, in a region that scrolls sideways on a narrow screen."""
        heads = "".join(f'<th scope="col">{escape(text)}</th>' for text in self.head)
        body = "".join(
            f'<tr><th scope="row">{escape(row[0])}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in self.rows
        )
        return (
            f'<div class="wide" tabindex="0" role="region" aria-label="{escape(self.caption)}">'
            f"<table><caption>{escape(self.caption)}</caption><thead><tr>{heads}</tr></thead>"
            f"<tbody>{body}</tbody></table></div>"
        )


@dataclass(frozen=True)
class Plot:
    """A drawing, and the figures that it shows.

    Attributes:
        svg: with a title and a description for screen readers.
        table: the figures.
    """

    svg: str
    table: Table

    def __html__(self) -> str:
        """Return the drawing, and below it the figures as a table that can be opened."""
        return (
            f"<figure>{self.svg}<details><summary>The figures as a table</summary>"
            f"{self.table.__html__()}</details></figure>"
        )
