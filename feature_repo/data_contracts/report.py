"""The result of checking the data contracts of a home."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from feature_repo.data_contracts.expectation import Expectation
from feature_repo.home import DAY, ContractError, to_text


class Day(NamedTuple):
    """The rows of one market and day, counted since 1970; without a number, all its rows."""

    market: str
    number: int | None
    checked: int
    violating: int
    examples: list[dict[str, str]]


@dataclass(frozen=True)
class Check:
    """One expectation, checked on the rows of one market, day by day.

    Attributes:
        name, subject, sentence, advice: of the expectation.
        market: `default` where a row has none.
        day: with the most differing rows beyond what is allowed; None for all rows together.
        checked, violating: numbers of rows; of that day where the check does not hold.
        allowed_share: of the rows of a day, after `shop.toml`.
        holds: whether few enough rows of each day differ.
        examples: the first differing rows of that day, each with `id` and `found`.
    """

    name: str
    subject: str
    sentence: str
    advice: str
    market: str
    day: str | None
    checked: int
    violating: int
    allowed_share: float
    holds: bool
    examples: tuple[dict[str, str], ...]

    @classmethod
    def of(cls, expectation: Expectation, allowed_share: float, days: Sequence[Day]) -> "Check":
        """Compare each day's counts with what is allowed.

        Args:
            expectation: that was checked.
            allowed_share: largest share of a day's rows that may differ.
            days: the counts of one market.
        """
        worst = max(days, key=lambda day: day.violating - allowed_share * day.checked)
        exceeds = worst.violating > allowed_share * worst.checked
        exceeds = exceeds and worst.violating >= expectation.least
        return cls(
            name=expectation.name,
            subject=expectation.subject,
            sentence=expectation.sentence,
            advice=expectation.advice,
            market=worst.market,
            day=None if worst.number is None else to_text(worst.number * DAY)[:10],
            checked=worst.checked if exceeds else sum(day.checked for day in days),
            violating=worst.violating if exceeds else sum(day.violating for day in days),
            allowed_share=allowed_share,
            holds=not exceeds,
            examples=tuple(worst.examples),
        )

    @property
    def explanation(self) -> str:
        """The violation in a sentence: expected, found, what to do."""
        on_day = f", {self.day}" if self.day else ""
        rows = "; ".join(f"{one['id']}: {one['found']}" for one in self.examples)
        return (
            f"{self.name}, market {self.market}{on_day}: {self.sentence} Expected at most "
            f"{self.allowed_share:.0%} of {self.checked} rows to differ, found {self.violating} "
            f"({rows}). {self.advice}."
        )


@dataclass(frozen=True)
class ContractReport:
    """The checks of one run.

    Attributes:
        checked_from, checked_until: rows that were seen after and up to these instants, µs.
        checks: of every expectation and market that has rows.
        without_rows: names of the expectations that had nothing to check.
    """

    checked_from: int
    checked_until: int
    checks: tuple[Check, ...]
    without_rows: tuple[str, ...]

    @property
    def violations(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.holds)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return {
            "holds": not self.violations,
            "checked_from": to_text(self.checked_from) if self.checked_from >= 0 else None,
            "checked_until": to_text(self.checked_until) if self.checked_until >= 0 else None,
            "violations": [check.name for check in self.violations],
            "checks": [asdict(check) for check in self.checks],
            "without_rows": list(self.without_rows),
        }

    def check(self) -> None:
        """Check that every expectation holds.

        Raises:
            ContractError: names each that does not, its market and its first rows.
        """
        if self.violations:
            raise ContractError(
                f"The data violates its contract in {len(self.violations)} of {len(self.checks)} "
                "checks; nothing that is served was changed.\n"
                + "\n".join(check.explanation for check in self.violations)
                + "\nIf the data is right, allow a larger share under [contract.allowed] of "
                f"shop.toml, such as {self.violations[0].name} = 0.5."
            )
