"""The result of one check of a home."""

from dataclasses import dataclass
from typing import Any, Literal

State = Literal["good", "note", "bad"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        state: good, note (works, but needs attention) or bad (does not work).
        subject: the part of the home that was checked.
        detail: the state of the subject, in words; `found` in JSON.
        fix: what to do; `cure` in JSON; empty if nothing needs to be done.
    """

    state: State
    subject: str
    detail: str
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values."""
        return {
            "state": self.state,
            "subject": self.subject,
            "found": self.detail,
            "cure": self.fix,
        }
