"""One thing that is wrong with an event, and a list of them with counts."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from feature_repo.events.dialects import sent_name
from feature_repo.home import EventError, shown

LISTED = 100
"""Findings that a list names; it counts all."""

_ADD, _CORRECT = "Add it.", "Correct it, and send the event again."

LONGEST_FIELD = 120
"""Characters of a field's name; the sender may have made it up."""


class Finding(msgspec.Struct, frozen=True):
    """A value that was refused, or that a shop should look at.

    Attributes:
        field: as the sender names it.
        expected, found: valid values, and the event's.
        hint: what to do, or what Aisle did.
    """

    field: str
    expected: str
    found: str
    hint: str

    @property
    def rule(self) -> str:
        """What was expected, which findings of one kind share."""
        return f"{self.field}: expected {self.expected}"

    @property
    def reason(self) -> str:
        """What is wrong, in one sentence."""
        return f"{self.rule}, found {self.found}"

    def error(self) -> EventError:
        """Return the finding as the error that refuses the event."""
        error = EventError(self.field, self.expected, "", self.hint)
        error.found = self.found
        return error


Located = TypeVar("Located", bound=Finding)


@dataclass
class FindingList(Generic[Located]):
    """The first findings, each with its position, and the number of all by rule.

    Attributes:
        first: at most `LISTED`.
        count: of all.
        rules: their numbers by rule; findings of further rules than `LISTED` are `others`.
    """

    first: list[Located] = field(default_factory=list)
    count: int = 0
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, located: Located) -> None:
        """Add one finding."""
        self.count_rule(located.rule)
        if len(self.first) < LISTED:
            self.first.append(located)

    def count_rule(self, rule: str) -> None:
        """Count a finding of a rule, which is not among the first."""
        self.count += 1
        is_listed = rule in self.rules or len(self.rules) < LISTED
        self.rules[rule if is_listed else "others"] += 1

    @property
    def is_full(self) -> bool:
        """Whether the list names no further findings."""
        return len(self.first) >= LISTED

    @property
    def reasons(self) -> dict[str, int]:
        """The numbers by rule, the most frequent first."""
        return dict(self.rules.most_common())


def finding_of(error: EventError, raw: object) -> Finding:
    """Return the finding of an event that was refused.

    Args:
        error: names the canonical field, or the sender's.
        raw: the sender's object.
    """
    name = sent_name(raw, error.field)
    hint = error.hint or (_ADD if error.found == "None" else _CORRECT)
    return Finding(name[:LONGEST_FIELD], error.expected, error.found, hint)


def value_finding(field: str, expected: str, value: object, hint: str) -> Finding:
    """Return the finding of a value, which may be of any size."""
    return Finding(field[:LONGEST_FIELD], expected, shown(value), hint)
