"""Which category and brand shoppers mean by a query, from what they click after it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from feature_repo.home import ArtifactError
from training.query_understanding.words import words

FILE = "intent.json"
LEAST_CLICKS = 5
LEAST_SHARE = 0.6
"""A value is meant where so many clicks after the query, and such a share of them, were on it."""


@dataclass(frozen=True)
class Intent:
    """The value of one field that a query means, with its share of the query's clicks.

    Attributes:
        meant: by phrase: the query's words, joined by a space; value and share.
    """

    meant: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    @classmethod
    def fit(cls, clicks: Iterable[tuple[str, str, float]], values: Iterable[str]) -> "Intent":
        """Learn from clicks; a phrase that is itself a value means that value.

        Args:
            clicks: phrase, value of the clicked item, number of clicks.
            values: all values of the field, as phrases of themselves.
        """
        counts: dict[str, dict[str, float]] = {}
        for phrase, value, number in clicks:
            of = counts.setdefault(phrase, {})
            of[value] = of.get(value, 0.0) + number
        meant = {}
        for phrase, of in counts.items():
            value, number = max(of.items(), key=lambda pair: (pair[1], pair[0]))
            share = number / sum(of.values())
            if number >= LEAST_CLICKS and share >= LEAST_SHARE:
                meant[phrase] = (value, round(share, 4))
        return cls(meant | {_phrase(value): (value, 1.0) for value in values if _phrase(value)})

    def apply(self, asked: Iterable[str]) -> tuple[str, float] | None:
        """What the folded words mean together; else what one of them means by its own name."""
        told = list(asked)
        whole = self.meant.get(" ".join(told))
        if whole is not None:
            return whole
        named = [found for word in told if (found := self.meant.get(word)) and found[1] == 1.0]
        return named[0] if len(named) == 1 else None

    def save(self, folder: Path, name: str) -> None:
        """Write what phrases mean into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}-{FILE}").write_text(json.dumps(dict(self.meant), sort_keys=True))

    @classmethod
    def load(cls, folder: Path, name: str) -> "Intent":
        """Read what phrases mean.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        path = folder / f"{name}-{FILE}"
        try:
            told = json.loads(path.read_text())
            return cls({phrase: (str(v), float(share)) for phrase, (v, share) in told.items()})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ArtifactError(f"{path}: expected what queries mean: {error}.") from None


def _phrase(value: str) -> str:
    return " ".join(words(value))
