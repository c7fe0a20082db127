"""The declaration of one expectation of a data contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

SQL = Path(__file__).parent / "sql"

FEED = "Correct the sender of these events and send them again"


@dataclass(frozen=True)
class Expectation:
    """What the rows of an event kind or of a feature view must be like.

    Its SQL file returns one row for each row or group that it checks: `market`, `day` (days since
    1970, or null), `id` (of the row or group), `found` (its value as text) and `holds`.  It
    reads the views of `sql/log.sql`.

    Attributes:
        name: unique; `[contract.allowed]` of shop.toml names it.
        subject: the kind or the view.
        sentence: what holds for each row.
        sql: name of the SQL file.
        parameters: text for each `$placeholder` of the SQL file.
        allowed_share: largest share of the rows of a market and day that may differ.
        least: smallest number of differing rows of a day that count as a violation.
        advice: what to do about a violation.
    """

    name: str
    subject: str
    sentence: str
    sql: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    allowed_share: float = 0.0
    least: int = 1
    advice: str = FEED

    def query(self) -> str:
        """Return its SQL."""
        text = (SQL / f"{self.sql}.sql").read_text(encoding="utf-8")
        return Template(text).substitute(self.parameters)
