"""The category and the brand that a query implies, learned from clicks."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from feature_repo.home import ArtifactError
from training.query_understanding.words import words

FILE = "intent.json"
LEAST_CLICKS = 5
LEAST_SHARE = 0.6
"""A query implies a value after this many clicks on it, if they are this share of its clicks."""


@dataclass(frozen=True)
class Intent:
    """The values of one field that queries imply.

    Attributes:
        values: by phrase, the words of a query joined by spaces: value and share of the clicks.
    """

    values: Mapping[str, tuple[str, float]] = field(default_factory=dict)

    @classmethod
    def fit(cls, clicks: Iterable[tuple[str, str, float]], values: Iterable[str]) -> "Intent":
        """Learn from clicks; a phrase that equals a value always implies it.

        Args:
            clicks: phrase, value of the clicked item, number of clicks.
            values: all values of the field.
        """
        counts: dict[str, dict[str, float]] = {}
        for phrase, value, number in clicks:
            clicks_by_value = counts.setdefault(phrase, {})
            clicks_by_value[value] = clicks_by_value.get(value, 0.0) + number
        implied = {}
        for phrase, clicks_by_value in counts.items():
            value, number = max(clicks_by_value.items(), key=lambda pair: (pair[1], pair[0]))
            share = number / sum(clicks_by_value.values())
            if number >= LEAST_CLICKS and share >= LEAST_SHARE:
                implied[phrase] = (value, round(share, 4))
        return cls(implied).with_values(values)

    def with_values(self, values: Iterable[str]) -> "Intent":
        """Return the intent for a field that has these values too."""
        named = {_phrase(value): (value, 1.0) for value in values if _phrase(value)}
        return Intent({**self.values, **named}) if named else self

    def apply(self, words_of_query: Iterable[str]) -> tuple[str, float] | None:
        """Return the value that the words imply together, else the only one that a word names."""
        folded = list(words_of_query)
        whole = self.values.get(" ".join(folded))
        if whole is not None:
            return whole
        named = [
            intent for word in folded if (intent := self.values.get(word)) and intent[1] == 1.0
        ]
        return named[0] if len(named) == 1 else None

    def save(self, folder: Path, name: str) -> None:
        """Write the values into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}-{FILE}").write_text(json.dumps(dict(self.values), sort_keys=True))

    @classmethod
    def load(cls, folder: Path, name: str) -> "Intent":
        """Read the values.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        path = folder / f"{name}-{FILE}"
        try:
            table = json.loads(path.read_text())
            return cls({phrase: (str(v), float(share)) for phrase, (v, share) in table.items()})
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ArtifactError(f"{path}: expected the intents of queries: {error}.") from None


def _phrase(value: str) -> str:
    return " ".join(words(value))
