"""The verdict of the gate: a decision and its reasons, in figures and in words."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from feature_repo.home import ArtifactError
from training.gate.result import GuardrailResult

VERDICT, VERDICT_PAGE = "verdict.json", "verdict.md"
Decision = Literal["publish", "reject"]
PUBLISH: Decision = "publish"
REJECT: Decision = "reject"


@dataclass(frozen=True)
class Verdict:
    """The decision on a trained ranker.

    Attributes:
        decision: what happens to it.
        reason: of the decision, in sentences.
        model: hash of the ranker that it is about.
        compared_with: the ranker in use, or a baseline; empty where none was compared.
        margin: of ndcg@10, by which it may be worse; 0 where it must be better.
        forced: whether it is published although a guardrail refuses it.
        guardrails: results of the comparisons and of all guardrails.
    """

    decision: Decision
    reason: str
    model: str
    compared_with: str
    margin: float
    forced: bool
    guardrails: tuple[GuardrailResult, ...]

    @classmethod
    def of(
        cls,
        model: str,
        guardrails: tuple[GuardrailResult, ...],
        *,
        compared_with: str,
        margin: float,
        force: bool,
    ) -> "Verdict":
        """Decide.

        Args:
            model: hash of the ranker.
            guardrails: their results; the reason begins with the first one.
            compared_with: the ranker in use, or a baseline.
            margin: of the comparison.
            force: publish whatever the results are.
        """
        first, *others = guardrails
        refusing = [one for one in others if one.refuses]
        accepted = not first.refuses and not refusing
        forced = force and not accepted
        reason = " ".join(
            [
                *(["Published by --force, although the gate rejects it."] if forced else []),
                *(one.reason for one in (first, *refusing)),
            ]
        )
        decision: Decision = PUBLISH if accepted or force else REJECT
        return cls(decision, reason, model, compared_with, margin, forced, guardrails)

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)

    def save(self, folder: Path) -> None:
        """Write it as JSON and as Markdown."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / VERDICT).write_text(json.dumps(self.to_dict(), indent=1) + "\n")
        (folder / VERDICT_PAGE).write_text(self.to_markdown(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Verdict":
        """Read it.

        Raises:
            ArtifactError: absent or damaged.
        """
        try:
            table = json.loads((folder / VERDICT).read_text())
            results = tuple(GuardrailResult(**one) for one in table.pop("guardrails"))
            return cls(**table, guardrails=results)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(
                f"{folder / VERDICT}: expected a verdict of the gate, found none ({error}); check "
                "the gate again."
            ) from None

    def to_markdown(self) -> str:
        """Return the verdict in words: the decision, then each guardrail."""
        rows = [
            f"| {one.guardrail} | {one.outcome} | {in_digits(one.figure)} | {in_digits(one.limit)} "
            f"| {one.reason.replace('|', chr(92) + '|')} |"
            for one in self.guardrails
        ]
        expected = f"not worse within {self.margin:g}" if self.margin else "better"
        return "\n".join(
            [
                f"# Verdict: {self.decision}\n",
                f"{self.reason}\n",
                f"Expected: {expected} than the {self.compared_with}, and no guardrail refuses.\n",
                "| guardrail | outcome | figure | limit | in words |",
                "|---|---|---|---|---|",
                *rows,
                "",
            ]
        )


def in_digits(number: float | None) -> str:
    """Return a figure of a guardrail as text; a dash where it has none."""
    return "–" if number is None else f"{number:.4g}"
