"""What kind of shop is simulated: its size, its habits, and what is broken in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Literal

from feature_repo.home import SettingError
from training.studies.simulation.markets import MARKETS

if TYPE_CHECKING:
    from training.metrics import Floats, Ints
    from training.studies.simulation.day import Day

ClickModel = Literal["pbm", "cascade", "dbn"]
Scores = Callable[["Day", "Ints", "Ints", "Ints"], "Floats"]
"""(day, users (R,), intents (R,), items (R, C)) → scores (R, C), higher is better."""

CLICK_MODELS: tuple[ClickModel, ...] = ("pbm", "cascade", "dbn")
POLICIES = ("weak", "strong", "random")


@dataclass(frozen=True)
class Breakage:
    """What goes wrong; nothing by default.  Each knob leaves the rest of the shop as it was.

    Attributes:
        bots: visits of bots, as a share of those of people; bots click whatever they see.
        lost: share of the rankings and interactions that never reach the log.
        duplicated: share of the rankings and interactions that are sent twice, with one id.
        late: share of the rankings and interactions that reach the log hours later.
        shock_day, shock: from this day on, prices are multiplied by `shock`.
        launch_day, launch: on this day, new items arrive, as a share of the first ones.
        leak: whether items carry `clicks_today`, which tells at midnight how often they will
            be clicked.
    """

    bots: float = 0.0
    lost: float = 0.0
    duplicated: float = 0.0
    late: float = 0.0
    shock_day: int | None = None
    shock: float = 1.5
    launch_day: int | None = None
    launch: float = 0.25
    leak: bool = False


@dataclass(frozen=True)
class ShopConfig:
    """Everything that decides what a simulated shop is; equal configs are equal shops.

    Attributes:
        users, items: how many there are when the shop opens.
        seed: of all chance; not negative.
        rankings_per_user_day: slates that a user sees on an ordinary day, in the mean.
        markets: names in `MARKETS`, the first ones larger; each has items and users of its own.
        slate: smallest and largest number of items of a slate.
        pool: most candidates among which the policy chooses.
        policy: what ranks for the log: "weak" (match and fame), "strong" (nearly the utility for
            an average user), "random", or a function `Scores`.
        temperature: scale of the policy's Gumbel noise, in units of its scores; None: its own;
            0: none, the best come first.
        randomized_share: share of the requests that are served at `randomized_temperature`.
        click_model: "pbm" (position), "cascade" or "dbn".
        bias: how fast attention falls with position: 0 is not at all, 1 in "pbm" is 1 / position.
        trust: of the items in doubt, the share at position 1 that is clicked for its position.
        breakage: what goes wrong.
    """

    users: int = 400
    items: int = 400
    seed: int = 7
    rankings_per_user_day: float = 0.42
    markets: tuple[str, ...] = ("default",)
    slate: tuple[int, int] = (12, 20)
    pool: int = 64
    policy: str | Scores = "weak"
    temperature: float | None = None
    randomized_share: float = 0.0
    randomized_temperature: float = 2.0
    click_model: ClickModel = "pbm"
    bias: float = 0.25
    trust: float = 0.0
    breakage: Breakage = field(default_factory=Breakage)

    def __post_init__(self) -> None:
        """Refuse what can be no shop.

        Raises:
            SettingError: names the setting, what was expected and what was found.
        """
        broken = self.breakage
        checks = [
            ("users and items", "at least one of each for each market", self._peopled),
            ("seed", "not negative", self.seed >= 0),
            ("rankings_per_user_day", "above 0", self.rankings_per_user_day > 0),
            ("markets", f"some of {', '.join(MARKETS)}, once each", _known(self.markets)),
            ("slate", "1 <= smallest <= largest <= pool", _fits(self.slate, self.pool)),
            ("policy", f"one of {', '.join(POLICIES)} or a function", _policy(self.policy)),
            ("temperature", "not negative", (self.temperature or 0) >= 0),
            ("randomized_temperature", "above 0", self.randomized_temperature > 0),
            ("click_model", f"one of {', '.join(CLICK_MODELS)}", self.click_model in CLICK_MODELS),
            ("bias", "not negative", self.bias >= 0),
            ("shock", "above 0", broken.shock > 0),
            ("bots and launch", "not negative", min(broken.bots, broken.launch) >= 0),
            *((name, "from 0 to 1", 0 <= share <= 1) for name, share in self._shares()),
        ]
        checks += [(name, "finite", isfinite(value)) for name, value in self._numbers()]
        for name, expected, fulfilled in checks:
            if not fulfilled:
                raise SettingError(
                    f"A simulated shop: {name}: expected {expected}, found {self._found(name)}."
                )

    @property
    def _peopled(self) -> bool:
        return min(self.users, self.items) >= max(1, len(self.markets))

    def _shares(self) -> list[tuple[str, float]]:
        broken = self.breakage
        return [
            ("randomized_share", self.randomized_share),
            ("trust", self.trust),
            ("lost", broken.lost),
            ("duplicated", broken.duplicated),
            ("late", broken.late),
        ]

    def _numbers(self) -> list[tuple[str, float]]:
        said = {**vars(self), **vars(self.breakage)}
        return [(name, value) for name, value in said.items() if isinstance(value, float)]

    def _found(self, name: str) -> str:
        names = name.split(" and ")
        values = [getattr(self, n, getattr(self.breakage, n, None)) for n in names]
        if len(names) == 1:
            return repr(values[0])
        return ", ".join(f"{value} {n}" for n, value in zip(names, values, strict=True))


def _known(markets: tuple[str, ...]) -> bool:
    return 0 < len(markets) == len(set(markets)) and set(markets) <= set(MARKETS)


def _fits(slate: tuple[int, int], pool: int) -> bool:
    return 1 <= slate[0] <= slate[1] <= pool


def _policy(policy: object) -> bool:
    return callable(policy) or policy in POLICIES
