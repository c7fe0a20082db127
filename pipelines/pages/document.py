"""A self-contained HTML document: the shared theme, and no scripts, fonts or other requests."""

from collections.abc import Sequence
from html import escape

from training.pages import THEME
from training.plots import Table


def document(title: str, *parts: str) -> str:
    """Return a page with a title, which is also its heading, and parts in HTML."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{THEME}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{"".join(parts)}
</main>
</body>
</html>
"""


def heading(text: str) -> str:
    """Return a heading of a part."""
    return f"<h2>{escape(text)}</h2>"


def paragraphs(sentences: Sequence[str]) -> str:
    """Return a paragraph for each sentence."""
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def markdown_table(figures: Table) -> str:
    """Return a table as Markdown."""
    rows = [figures.head, ["---"] * len(figures.head), *figures.rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows
    )
