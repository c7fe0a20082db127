"""Operators in a query: `"red shoes"`, `jacket -leather`, `jacket without leather`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from training.query_understanding.words import words

_QUOTED = re.compile(
    r"""(?<!\S)(?P<minus>-?)(?:"([^"]+)"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|「([^」]+)」)(?=\W|$)"""
)
_MINUS = re.compile(r"(?<!\S)-(?=[^\W\d_])(\S+)")

_WITHOUT = (
    r"without|w/o|except|excluding|other than|not made (?:of|from)|ohne|außer|nicht aus|"
    r"keine?[nmrs]?|sans|sauf|hors|pas (?:de|en)|sin|excepto|que no sean?(?: de)?|senza|tranne|"
    r"sem|exceto|zonder|behalve|geen|utan|inte av|uden|ikke af|uten|ikke av|ilman|"
    r"bez|oprócz|nie ze?|kromě|ne ze?|без|не из|кроме|بدون|بلا|من غير|ماعدا|ללא|בלי|χωρίς|"
    r"εκτός από|όχι|fără|không(?: có)?(?! khí| gian)|tanpa|बिना"
)
_ARTICLES = (
    r"any|the|a|an|das|den|die|dem|eine?[nm]?|le|la|les|el|los|las|de|du|ningún|ninguna|il|lo|gli"
)
_AND = (
    r"(?:\s*,\s*|\s+)(?:and|or|und|oder|noch|et|ou|ni|y|e|o|né|nem|en|of|och|eller|og|i|и|و|או)\s+"
)
_WORD = r"[^\W\d_][\w-]*(?:['’׳״][^\W\d_][\w-]*)*"
_BEFORE = re.compile(
    rf"(?<!\S)(?:{_WITHOUT})\s+(?:(?:{_ARTICLES})\s+)?(?P<what>{_WORD}(?:{_AND}{_WORD})*)"
    rf"|(?<!\S)no\s+(?!(?:more|less|fewer|más|menos)\b)(?P<plain>{_WORD})"
    rf"|(?<!\S)pas d['’](?P<elided>{_WORD})|(?:ไม่มี|ไม่ใช่|ไม่ใส่)\s*(?P<thai>[ก-๙]+)",
    re.IGNORECASE,
)
_NEXT = re.compile(rf"\s+({_WORD})")
_AFTER = re.compile(
    r"(?P<what>\w+?)(?:(?:ではない|じゃない|でない|なし|無し|抜き|不使用|以外)の?|フリー(?!\w))"
    r"|(?P<korean>[가-힣]+?)[이가]? ?(?:없는|아닌|제외(?:한)?)"
    r"|(?<!\S)(?P<turkish>[^\W\d_]+)\s+(?:olmayan|hariç|nélkül)(?!\w)",
    re.IGNORECASE,
)
_LACKING = {
    "danish": r"frie?|frit|løse?",
    "dutch": r"vrije?|loze|loos",
    "english": r"free|less",
    "german": r"freie?[nmrs]?|lose?[nmrs]?",
    "norwegian": r"frie?|fritt|løse?",
    "swedish": r"fria?|fritt|lösa?",
    "turkish": r"s[iıuü]z",
}
"""Endings by language of words that name what an item lacks: `zuckerfrei`.

A query with such a word means the word.
"""

_NO = r"(?<!\w)(?:no|non|not|zero|nicht|0 ?%|無|无|不含)[\s-]*[^\W\d_]+"


HasPair = Callable[[str, str], bool]


def never(_: str, __: str) -> bool:
    """Return False: titles are not known."""
    return False


@dataclass(frozen=True)
class Operators:
    """What a query requires and excludes, and the rest of its text.

    Attributes:
        phrases: words that must follow each other in the title, in this order.
        excluded: words that no item may have together.
        negated: words after a word such as "without": an item may have them in a description, and
            where it says that it lacks them.
    """

    text: str
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    negated: tuple[tuple[str, ...], ...] = ()


def read_operators(text: str, has_pair: HasPair = never) -> Operators:
    """Separate the operators of a query from its text; the words of a phrase stay in it.

    Args:
        text: the query.
        has_pair: whether titles have two words one after the other.  `without belt buckle` excludes
            the buckle of a belt where they have both, and a `no` before a word is "without" where
            they do not have these two.

    >>> operators = read_operators('jacket -leather "dark red"')
    >>> operators.text, operators.phrases, operators.excluded
    ('jacket dark red', (('dark', 'red'),), (('leather',),))
    >>> read_operators("bra without wire").negated, read_operators("t-shirt 10 - 20").excluded
    ((('wire',),), ())
    >>> read_operators("schokolade ohne zucker und milch").negated
    (('zucker',), ('milch',))
    """
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []

    def quoted(match: "re.Match[str]") -> str:
        inner = next(filter(None, match.groups()[1:]))
        (excluded if match["minus"] else phrases).append(tuple(words(inner)))
        return " " if match["minus"] else f" {inner} "

    def minus(match: "re.Match[str]") -> str:
        excluded.append(tuple(words(match[1])))
        return " "

    rest = _QUOTED.sub(quoted, text)
    rest, negated = _negations(_MINUS.sub(minus, rest), has_pair)
    if not (phrases or excluded or negated):
        return Operators(text)
    return Operators(
        " ".join(rest.split()),
        tuple(filter(None, phrases)),
        tuple(filter(None, excluded)),
        tuple(negated),
    )


def without_negations(text: str, language: str) -> str:
    """Return the part of an item's text that says what the item is or has.

    >>> without_negations("BH ohne Bügel, bügelfreie Spitze", "german")
    'BH , Spitze'
    """
    rest, _ = _negations(text, never)
    return " ".join(_lacking(language).sub(" ", rest).split())


@cache
def _lacking(language: str) -> "re.Pattern[str]":
    endings = _LACKING.get(language)
    ending = rf"|\w+?[\s-]?(?:{endings})(?!\w)" if endings else ""
    return re.compile(_NO + ending, re.IGNORECASE)


def _negations(text: str, has_pair: HasPair) -> tuple[str, list[tuple[str, ...]]]:
    """Return a text without its negations, and the words of each."""
    negated: list[tuple[str, ...]] = []
    rest, start = "", 0
    for match in _BEFORE.finditer(text):
        what = next(filter(None, match.groupdict().values()))
        parts, end = re.split(_AND, what), match.end()
        if match["plain"] and has_pair("no", what):
            continue
        while (more := _NEXT.match(text, end)) and has_pair(parts[-1].split()[-1], more[1]):
            remains = (text[: match.start()] + text[more.end() :]).strip()
            if not remains or _BEFORE.match(text, more.start(1)):
                break  # Something must remain to search for: `no denim jacket` is about jackets.
            parts[-1], end = f"{parts[-1]} {more[1]}", more.end()
        negated += [tuple(words(one)) for one in parts]
        rest, start = f"{rest}{text[start : match.start()]} ", end

    def without(match: "re.Match[str]") -> str:
        what = next(filter(None, match.groupdict().values()))
        negated.extend(tuple(words(one)) for one in re.split(_AND, what))
        return " "

    rest = _AFTER.sub(without, rest + text[start:])
    return rest, [*filter(None, negated)]
