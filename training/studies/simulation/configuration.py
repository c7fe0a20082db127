"""The configuration of a simulated shop: size, behaviour, logging policy and data breakage."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

from feature_repo.home import SettingError
from training.studies.simulation.markets import MARKETS

ClickModel = Literal["pbm", "cascade", "dbn"]

CLICK_MODELS: tuple[ClickModel, ...] = ("pbm", "cascade", "dbn")
POLICIES = ("weak", "strong", "random")


@dataclass(frozen=True)
class Breakage:
    """Faults of the data; none by default.  Each setting leaves the rest of the shop unchanged.

    Attributes:
        bots: visits of bots per visit of a human; bots click half of the items they see.
        lost: share of the rankings and interactions that never reach the log.
        duplicated: share of the rankings and interactions that arrive twice, with one event id.
        late: share of the rankings and interactions that arrive hours later.
        shock_day, shock: from this day on, prices are multiplied by `shock`.
        launch_day, launch: on this day, so many new items are added, as a share of `items`.
        leak: whether items have a field `clicks_today`, set at midnight to the number of clicks of
            the coming day.
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
    """All settings of a simulated shop; equal configurations give equal shops.

    Attributes:
        users, items: their numbers when the shop opens.
        seed: of all random numbers; not negative.
        rankings_per_user_day: mean number of slates that a user sees a day.
        markets: names in `MARKETS`; each has its own items and users.
        slate: smallest and largest number of items of a slate.
        pool: largest number of candidates of a request.
        policy: the logging policy: "weak" (text match and fame), "strong" (nearly the utility for
            an average user), "random", or a function `policies.Scores`.
        temperature: scale of the Gumbel noise on the policy's scores; None: the policy's default;
            0: no noise, so the slate is in order of score.
        randomized_share: share of the requests that are ranked at `randomized_temperature`.
        click_model: "pbm" (position-based), "cascade" or "dbn" (dynamic Bayesian network).
        bias: position bias: 0 examines every position, 1 in "pbm" is 1 / position.
        trust: trust bias: share of the examined but unattractive items at position 1 that are
            clicked because of their position.
        breakage: faults of the data.
    """

    users: int = 400
    items: int = 400
    seed: int = 7
    rankings_per_user_day: float = 0.42
    markets: tuple[str, ...] = ("default",)
    slate: tuple[int, int] = (12, 20)
    pool: int = 64
    policy: str | Callable[..., Any] = "weak"
    temperature: float | None = None
    randomized_share: float = 0.0
    randomized_temperature: float = 2.0
    click_model: ClickModel = "pbm"
    bias: float = 0.25
    trust: float = 0.0
    breakage: Breakage = field(default_factory=Breakage)

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            SettingError: names the setting, its allowed values and its value.
        """
        breakage = self.breakage
        checks = [
            ("users and items", "at least one of each for each market", self._has_users_and_items),
            ("seed", "not negative", self.seed >= 0),
            ("rankings_per_user_day", "above 0", self.rankings_per_user_day > 0),
            ("markets", f"some of {', '.join(MARKETS)}, once each", _are_markets(self.markets)),
            ("slate", "1 <= smallest <= largest <= pool", _is_slate(self.slate, self.pool)),
            ("policy", f"one of {', '.join(POLICIES)} or a function", _is_policy(self.policy)),
            ("temperature", "not negative", (self.temperature or 0) >= 0),
            ("randomized_temperature", "above 0", self.randomized_temperature > 0),
            ("click_model", f"one of {', '.join(CLICK_MODELS)}", self.click_model in CLICK_MODELS),
            ("bias", "not negative", self.bias >= 0),
            ("shock", "above 0", breakage.shock > 0),
            ("bots and launch", "not negative", min(breakage.bots, breakage.launch) >= 0),
            *((name, "from 0 to 1", 0 <= share <= 1) for name, share in self._shares()),
        ]
        checks += [(name, "finite", isfinite(value)) for name, value in self._numbers()]
        for name, expected, fulfilled in checks:
            if not fulfilled:
                raise SettingError(
                    f"A simulated shop: {name}: expected {expected}, found {self._actual(name)}."
                )

    @property
    def _has_users_and_items(self) -> bool:
        return min(self.users, self.items) >= max(1, len(self.markets))

    def _shares(self) -> list[tuple[str, float]]:
        breakage = self.breakage
        return [
            ("randomized_share", self.randomized_share),
            ("trust", self.trust),
            ("lost", breakage.lost),
            ("duplicated", breakage.duplicated),
            ("late", breakage.late),
        ]

    def _numbers(self) -> list[tuple[str, float]]:
        settings = {**vars(self), **vars(self.breakage)}
        return [(name, value) for name, value in settings.items() if isinstance(value, float)]

    def _actual(self, name: str) -> str:
        names = name.split(" and ")
        values = [getattr(self, n, getattr(self.breakage, n, None)) for n in names]
        if len(names) == 1:
            return repr(values[0])
        return ", ".join(f"{value} {n}" for n, value in zip(names, values, strict=True))


def _are_markets(markets: tuple[str, ...]) -> bool:
    return 0 < len(markets) == len(set(markets)) and set(markets) <= set(MARKETS)


def _is_slate(slate: tuple[int, int], pool: int) -> bool:
    return 1 <= slate[0] <= slate[1] <= pool


def _is_policy(policy: object) -> bool:
    return callable(policy) or policy in POLICIES
