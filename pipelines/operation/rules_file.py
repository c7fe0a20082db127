"""The rules of a shop as a file that people change: drafts, publications, history and undo.

rules.toml              what the service reads
rules.drafts/…toml      texts that are not published, named by their content
rules.history.jsonl     each published text, with its time, its author and a reason
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from feature_repo.home import Home, SettingError, locked, replacing
from feature_repo.shop import Shop
from training.rules import RULES_FILE, Rules, draft_path

_MOST_DRAFTS = 50
_OUTSIDE = "Changed outside of the console."


@dataclass(frozen=True)
class Change:
    """One publication.

    Attributes:
        at: time of the system's clock, ISO 8601, UTC.
        author: name of the key; empty for a change outside of the console.
        text: of the whole file after it.
    """

    at: str
    author: str
    reason: str
    text: str

    @property
    def name(self) -> str:
        """Name of the text, by its content."""
        return name_of(self.text)


@dataclass(frozen=True)
class RulesFile:
    """The rules of one home."""

    home: Home

    @property
    def text(self) -> str:
        """The text in use; empty without a file."""
        path = self.home.root / RULES_FILE
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def name(self) -> str:
        """Name of the text in use, by its content."""
        return name_of(self.text)

    def check(self, text: str) -> Rules:
        """Return the rules of a text, checked as the service checks them.

        Raises:
            SettingError: names the error and its position.
        """
        return Rules.parse(text, Shop.load(self.home.shop_toml))

    def history(self) -> list[Change]:
        """Return the publications, the newest first.

        Raises:
            SettingError: their file is damaged.
        """
        path = self.home.root / "rules.history.jsonl"
        try:
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            return [Change(**json.loads(line)) for line in lines][::-1]
        except (ValueError, TypeError) as error:
            raise SettingError(
                f"{path}: expected a change of the rules a line, found something else ({error}). "
                "Restore the file, or remove it, and with it the history."
            ) from None

    def save_draft(self, text: str) -> str:
        """Store a text that is not published, with or without an error; return its name."""
        path = self._draft(name_of(text))
        with replacing(path) as fresh:
            fresh.write_text(text, encoding="utf-8", newline="")
        drafts = sorted(path.parent.glob("*.toml"), key=lambda each: each.stat().st_mtime_ns)
        for old in drafts[:-_MOST_DRAFTS]:
            old.unlink()
        return path.stem

    def read_draft(self, name: str) -> str:
        """Return the text of a draft.

        Raises:
            SettingError: there is none of this name.
        """
        path = draft_path(self.home, name)
        if path is None or not path.exists():
            raise SettingError(f"draft: expected the name of a stored draft, found {name!r}.")
        return path.read_text(encoding="utf-8")

    def publish(self, text: str, *, before: str, author: str, reason: str) -> Change:
        """Put a text in use.

        Args:
            before: name of the text that it changes.

        Raises:
            SettingError: the text has an error, there is no reason, or somebody else changed the
                rules since; nothing was changed.
        """
        if not reason.strip():
            raise SettingError("reason: expected one sentence for the history, found none.")
        self.check(text)
        with locked(self.home.root / "rules.lock"):
            present = self.text
            if name_of(present) != before:
                raise SettingError(
                    f"{RULES_FILE}: expected the rules that this draft began with, found others. "
                    "Somebody changed them meanwhile: begin again with the present ones."
                )
            history = self.history()
            added = [Change(_now(), author, reason.strip(), text)]
            if present and (not history or history[0].text != present):
                added.insert(0, Change(_now(), "", _OUTSIDE, present))
            with replacing(self.home.root / RULES_FILE) as fresh:
                fresh.write_text(text, encoding="utf-8", newline="")
            self._record([*history[::-1], *added])
        return added[-1]

    def _record(self, changes: Sequence[Change]) -> None:
        with replacing(self.home.root / "rules.history.jsonl") as fresh:
            lines = "".join(json.dumps(asdict(change)) + "\n" for change in changes)
            fresh.write_text(lines, encoding="utf-8")

    def _draft(self, name: str) -> Path:
        path = draft_path(self.home, name)
        assert path is not None, name
        return path


def name_of(text: str) -> str:
    """Return the name of a text: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
