"""Convert HTML to text: tags and entities disappear, blocks become lines."""

import html
import re
from html.parser import HTMLParser

_BLOCKS = (
    *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "footer"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section"),
    *("table", "td", "th", "tr", "ul"),
)
_SILENT = frozenset(("script", "style", "template"))
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")
_ENTITY = re.compile(r"&(#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]\w*);")


def plain_text(text: str) -> str:
    """Return a text without tags and entities; HTML that is escaped once more is read too.

    >>> plain_text("<p>Fish &amp; chips</p><ul><li>5 &lt; 6</li></ul>")
    'Fish & chips\\n5 < 6'
    >>> plain_text("&lt;b&gt;Caf&amp;eacute;&lt;/b&gt;"), plain_text("a < b, R&D")
    ('Café', 'a < b, R&D')
    """
    if _MARKUP.search(text):
        return _without_tags(text)
    if _ENTITY.search(text):
        plain = html.unescape(text)
        return _without_tags(plain) if _MARKUP.search(plain) else plain.strip()
    return text.strip()


def _without_tags(text: str) -> str:
    parser = _Text()
    parser.feed(text)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


class _Text(HTMLParser):
    """Collects the text of a page or a part of one."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _SILENT
        self.parts.append("\n" if tag in _BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in _SILENT))
        self.parts.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            # Line breaks of the source are spaces; those of blocks are lines.
            self.parts.append(data.replace("\n", " "))
