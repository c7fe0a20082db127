"""The result of one guardrail, in figures and in a sentence."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

GateOutcome = Literal["passed", "refused", "not measured"]
PASSED: GateOutcome = "passed"
REFUSED: GateOutcome = "refused"
NOT_MEASURED: GateOutcome = "not measured"


@dataclass(frozen=True)
class GuardrailResult:
    """Whether a ranker passes one guardrail.

    Attributes:
        guardrail: its name.
        outcome: a guardrail that could not be measured does not refuse.
        reason: one sentence.
        figure, limit: what was compared; None where the reason is not a number.
        details: further figures, JSON-ready.
    """

    guardrail: str
    outcome: GateOutcome
    reason: str
    figure: float | None = None
    limit: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        guardrail: str,
        passes: bool,
        reason: str,
        figure: float | None = None,
        limit: float | None = None,
        **details: Any,
    ) -> "GuardrailResult":
        """Return the result of a guardrail that was measured."""
        return cls(guardrail, PASSED if passes else REFUSED, reason, figure, limit, details)

    @classmethod
    def not_measured(cls, guardrail: str, reason: str) -> "GuardrailResult":
        """Return the result of a guardrail that does not apply, or lacks data."""
        return cls(guardrail, NOT_MEASURED, reason)

    @property
    def refuses(self) -> bool:
        """Whether the ranker must not be published."""
        return self.outcome == REFUSED

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)
