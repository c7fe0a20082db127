"""Judgments: how well an item answers a query, from 0, in `judgments.csv` of the home."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import Home, SettingError, locked, replacing

Judgments = dict[str, dict[str, int]]
"""Query → item → grade."""

HIGHEST = 3
_HEAD = ["query", "item", "grade"]
_TREC = 4
"""Columns of TREC's qrels: topic, iteration, document, relevance."""


@dataclass(frozen=True)
class JudgmentsFile:
    """The judgments of one home."""

    home: Home

    @property
    def path(self) -> Path:
        """The file, which may be absent."""
        return self.home.root / "judgments.csv"

    def read(self) -> Judgments:
        """Return all judgments.

        Raises:
            SettingError: names the line that is wrong.
        """
        return parse_csv(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    def add(self, judgments: Mapping[str, Mapping[str, int | None]]) -> int:
        """Add judgments, in place of earlier ones of the same query and item; return their number.

        A grade of None removes a judgment.
        """
        with locked(self.home.root / "judgments.lock"):
            present = self.read()
            for query, grades in judgments.items():
                merged = {**present.get(query, {}), **grades}
                present[query] = {item: n for item, n in merged.items() if n is not None}
            text = io.StringIO()
            lines = csv.writer(text, lineterminator="\n")
            lines.writerow(_HEAD)
            lines.writerows(
                (query, item, grade)
                for query, grades in sorted(present.items())
                for item, grade in sorted(grades.items())
            )
            with replacing(self.path) as fresh:
                fresh.write_text(text.getvalue(), encoding="utf-8", newline="")
        return sum(map(len, judgments.values()))


def parse_judgments(text: str, topics: str = "") -> Judgments:
    """Read judgments that a person imports.

    Args:
        text: CSV with the columns query, item and grade; or qrels of TREC, whose lines have topic,
            iteration, document and relevance.
        topics: for qrels, a topic and its query a line, with a tab between; a topic without a line
            is itself the query.

    Raises:
        SettingError: names the line that is wrong.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and "," not in lines[0] and len(lines[0].split()) == _TREC:
        return _parse_qrels(lines, dict(_topics(topics)))
    return parse_csv(text)


def parse_csv(text: str) -> Judgments:
    """Read CSV with the columns query, item and grade, with or without their names.

    Raises:
        SettingError: names the line that is wrong.
    """
    judgments: Judgments = {}
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if not row or (number == 1 and [cell.strip() for cell in row] == _HEAD):
            continue
        if len(row) != len(_HEAD):
            raise _wrong(number, "query,item,grade", ",".join(row))
        query, item, grade = (cell.strip() for cell in row)
        _add(judgments, number, query, item, grade)
    return judgments


def _parse_qrels(lines: list[str], queries: Mapping[str, str]) -> Judgments:
    judgments: Judgments = {}
    for number, line in enumerate(lines, 1):
        cells = line.split()
        if len(cells) != _TREC:
            raise _wrong(number, "topic, iteration, document and relevance", line)
        topic, _, item, grade = cells
        _add(judgments, number, queries.get(topic, topic), item, grade)
    return judgments


def _topics(text: str) -> list[tuple[str, str]]:
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        topic, tab, query = line.partition("\t")
        if line.strip() and not (tab and topic.strip() and query.strip()):
            raise _wrong(number, "a topic, a tab and its query", line)
        pairs.append((topic.strip(), query.strip()))
    return pairs


def _add(judgments: Judgments, number: int, query: str, item: str, grade: str) -> None:
    """Add one judgment; TREC's grades below 0, which mark spam, count as 0."""
    try:
        value = max(int(grade), 0)
    except ValueError:
        raise _wrong(number, "a whole number as grade", grade) from None
    if not query or not item:
        raise _wrong(number, "a query and an item", "an empty one")
    if value > 100:
        raise _wrong(number, "a grade from 0 to 100", grade)
    judgments.setdefault(query, {})[item] = value


def _wrong(number: int, expected: str, actual: str) -> SettingError:
    return SettingError(f"judgments, line {number}: expected {expected}, found {actual[:80]!r}.")
