"""Label gains: what each outcome is worth to a ranker."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from feature_repo.home import SettingError

RETURN = "return"
DEFAULT_GAINS: Mapping[str, float] = MappingProxyType(
    {"click": 1.0, "add_to_cart": 3.0, "purchase": 6.0}
)


@dataclass(frozen=True)
class Gains:
    """Label gains by type of interaction.

    Attributes:
        worth: type → gain.  The best outcome of an impression counts; a negative one, such as a
            return, is subtracted from it, and no gain falls below 0.  Other types do not count.
        horizon_days: outcomes later than this after the slate do not count, and slates that are
            younger than this at the end of the log are excluded, so that old and new slates have
            the same time for slow outcomes.  None: every outcome counts.
    """

    worth: Mapping[str, float] = field(default_factory=lambda: DEFAULT_GAINS)
    horizon_days: float | None = None

    def __post_init__(self) -> None:
        """Check that a ranker can learn from the gains.

        Raises:
            SettingError: no type has a gain above 0, or the horizon is not above 0.
        """
        if not any(gain > 0 for gain in self.worth.values()):
            raise SettingError(f"Gains: expected one above 0, found {dict(self.worth)}.")
        if self.horizon_days is not None and not self.horizon_days > 0:
            raise SettingError(f"Horizon: expected days above 0, found {self.horizon_days}.")

    def __str__(self) -> str:
        """Return the text that `parse_gains` reads.

        >>> str(Gains())
        'click=1,add_to_cart=3,purchase=6'
        """
        return ",".join(f"{name}={gain:g}" for name, gain in self.worth.items())


def parse_gains(text: str) -> Gains:
    """Read `click=1,purchase=6,return=-6`.

    Raises:
        SettingError: not of this form.

    >>> parse_gains("click=1, return=-2").worth["return"]
    -2.0
    """
    worth: dict[str, float] = {}
    for part in text.split(","):
        name, equals, gain = part.strip().partition("=")
        try:
            number = float(gain)
        except ValueError:
            number = float("nan")
        if not (name and equals) or name in worth or abs(number) > 1e6 or number != number:  # noqa: PLR0124
            raise SettingError(
                f"Gains: expected each type once, as click=1,purchase=6,return=-6; found {part!r}."
            )
        worth[name] = number
    return Gains(worth)
