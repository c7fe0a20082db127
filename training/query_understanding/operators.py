"""Operators in a query: `"red shoes"`, `jacket -leather`, `jacket without leather`."""

import re
from dataclasses import dataclass

from training.query_understanding.words import words

_QUOTED = re.compile(
    r"""(?<!\S)(?P<minus>-?)(?:"([^"]+)"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|「([^」]+)」)(?=\W|$)"""
)
_MINUS = re.compile(r"(?<!\S)-(?=[^\W\d_])(\S+)")
_WITHOUT = (
    "without|ohne|sans|sin|senza|sem|zonder|utan|uden|uten|ilman|bez|без|بدون|ללא|בלי|χωρίς|fără|"
    "nélkül|không có|tanpa"
)
_BEFORE = re.compile(rf"(?<!\S)(?P<word>{_WITHOUT})\s+(?P<what>[^\W\d_][\w-]*)", re.IGNORECASE)
_AFTER = re.compile(
    r"(?P<what>\w+?)(?:なし|抜き|以外|フリー)(?!\w)|(?P<ko>[가-힣]+) ?(?:없는|제외)"
)


@dataclass(frozen=True)
class Operators:
    """What a query requires and excludes, and the rest of its text.

    Attributes:
        phrases: words that must follow each other in the title, in this order.
        excluded: words that no item may have together.
        negated: word after a word such as "without", with that word: an item may have both, since
            it then says that it lacks what the word names.
    """

    text: str
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    negated: tuple[tuple[str, str], ...] = ()


def read_operators(text: str) -> Operators:
    """Separate the operators of a query from its text; the words of a phrase stay in it.

    >>> operators = read_operators('jacket -leather "dark red"')
    >>> operators.text, operators.phrases, operators.excluded
    ('jacket dark red', (('dark', 'red'),), (('leather',),))
    >>> read_operators("bra without wire").negated, read_operators("t-shirt 10 - 20").excluded
    ((('wire', 'without'),), ())
    """
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []
    negated: list[tuple[str, str]] = []

    def quoted(match: "re.Match[str]") -> str:
        inner = next(filter(None, match.groups()[1:]))
        (excluded if match["minus"] else phrases).append(tuple(words(inner)))
        return " " if match["minus"] else f" {inner} "

    def minus(match: "re.Match[str]") -> str:
        excluded.append(tuple(words(match[1])))
        return " "

    def without(match: "re.Match[str]") -> str:
        pairs = match.groupdict()
        what = words(pairs["what"] or pairs.get("ko") or "")
        if len(what) == 1 and pairs.get("word"):
            negated.append((what[0], words(pairs["word"])[0]))
        else:
            excluded.append(tuple(what))
        return " "

    rest = _QUOTED.sub(quoted, text)
    rest = _MINUS.sub(minus, rest)
    rest = _AFTER.sub(without, _BEFORE.sub(without, rest))
    if not (phrases or excluded or negated):
        return Operators(text)
    return Operators(
        " ".join(rest.split()),
        tuple(filter(None, phrases)),
        tuple(filter(None, excluded)),
        tuple(negated),
    )
