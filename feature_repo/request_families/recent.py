"""What the user's row of recent interactions says, as lists.

`clicked_*` and `shown_*` are parallel arrays, newest first.  An item was ignored where it was shown
and not clicked from then on.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from feature_repo.recent import VALUE_SEPARATOR
from feature_repo.slate_facts import SlateFacts, as_list, is_present


@dataclass(frozen=True)
class Recent:
    """Ids and instants of the last clicked and the last shown items, newest first."""

    clicked: list[str]
    clicked_at: list[int]
    shown: list[str]
    shown_at: list[int]
    ignored: list[int]

    @classmethod
    def of(cls, facts: SlateFacts) -> "Recent | None":
        """The row, or None where the user has none."""
        if "recent" not in facts.memo:
            facts.memo["recent"] = cls._read(facts)
        recent: Recent | None = facts.memo["recent"]
        return recent

    @classmethod
    def _read(cls, facts: SlateFacts) -> "Recent | None":
        if not is_present(facts.user, "user_recent"):
            return None
        clicked, clicked_at = _list(facts, "clicked_item_ids"), _list(facts, "clicked_at")
        shown, shown_at = _list(facts, "shown_item_ids"), _list(facts, "shown_at")
        return cls(
            clicked, clicked_at, shown, shown_at, _ignored(clicked, clicked_at, shown, shown_at)
        )

    def texts(self, facts: SlateFacts, column: str) -> tuple[list[Any], list[Any]]:
        """The field's values of the clicked items and of the ignored items, a text an item."""
        key = f"recent texts of {column}"
        if key not in facts.memo:
            clicked, shown = _list(facts, f"clicked_{column}"), _list(facts, f"shown_{column}")
            facts.memo[key] = clicked, [shown[n] for n in self.ignored if n < len(shown)]
        texts: tuple[list[Any], list[Any]] = facts.memo[key]
        return texts


def _ignored(
    clicked: list[str], clicked_at: list[int], shown: list[str], shown_at: list[int]
) -> list[int]:
    """Places in the shown list of items that were not clicked at or after they were shown."""
    last_click: dict[str, int] = {}
    for item, at in zip(clicked, clicked_at, strict=False):
        last_click.setdefault(item, at)
    never = -1
    return [
        n
        for n, (item, at) in enumerate(zip(shown, shown_at, strict=False))
        if last_click.get(item, never) < at
    ]


def _list(facts: SlateFacts, feature: str) -> list[Any]:
    return as_list(facts.user.get(f"user_recent__{feature}"))


def times(texts: Iterable[Any]) -> Counter[str]:
    """How many items have each value.

    >>> times(["red\\x1fblue", "red", None])
    Counter({'red': 2, 'blue': 1})
    """
    counts = Counter[str]()
    for text, items in Counter(texts).items():
        for value in split(text):
            counts[value] += items
    return counts


def split(text: Any) -> list[str]:
    """The values of an item in one field, from the text in which a row carries them."""
    return text.split(VALUE_SEPARATOR) if isinstance(text, str) and text else []
