"""The shoppers whom a person can play: for each market one with and one without a history."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.events.log import EventLog
from feature_repo.shop import Shop

MOST_MARKETS = 3
FRESH_SECONDS = 300.0
"""Age at which the shoppers are read again, so that no erased one stays in the list for long."""

_SHOPPERS = """
with shown as (
    select user_id, market, count(*) as slates
    from read_parquet($rankings) where user_id is not null group by all
),
markets as (
    select market, sum(slates) as slates from shown group by market
    order by slates desc, market limit $most
),
clicked as (
    select user_id, count(*) as events
    from read_parquet($interactions) where user_id is not null group by user_id
),
shoppers as (
    select market, user_id, coalesce(events, 0) as events
    from shown semi join markets using (market) left join clicked using (user_id)
    qualify row_number() over (
        partition by user_id order by shown.slates desc, market
    ) = 1
),
typical as (
    select *, quantile_disc(events, 0.95) over (partition by market) as many from shoppers
)
select
    market,
    arg_min(user_id, (abs(events - many), user_id)) as warm, max(many) as warm_events,
    arg_min(user_id, (events, user_id)) as cold, min(events) as cold_events,
from typical group by market order by count(*) desc, market
"""


@dataclass(frozen=True)
class Persona:
    """A shopper whom a person can play.

    Attributes:
        kind: warm (has a history), cold (has almost none) or anonymous.
        user: id; None for an anonymous visitor.
        market: the shopper's; None where the shop has none.
        events: number of interactions in the log.
    """

    kind: str
    user: str | None
    market: str | None
    events: int = 0

    @property
    def title(self) -> str:
        """The persona in words."""
        if self.user is None:
            return "Anonymous visitor"
        return f"{self.kind.capitalize()} shopper {self.user}"

    @property
    def history(self) -> str:
        """The history in words."""
        if self.kind == "anonymous":
            return "no name and no history; only this visit counts"
        if not self.events:
            return "no interaction yet"
        return f"{self.events} interaction{'s' if self.events > 1 else ''} in the log"


@dataclass
class Personas:
    """The shoppers, as the log had them a few minutes ago.

    Attributes:
        listed: a warm and a cold shopper of each market, and an anonymous one; empty before the
            first read.
    """

    log: EventLog
    shop: Shop
    listed: Sequence[Persona] = ()
    _read_at: float = float("-inf")
    _reading: "asyncio.Task[None] | None" = field(default=None, repr=False)

    async def follow(self) -> Sequence[Persona]:
        """Return the shoppers; old ones are read again, for which only the first page waits."""
        if time.monotonic() - self._read_at > FRESH_SECONDS:
            self._read_at = time.monotonic()
            self._reading = asyncio.create_task(asyncio.to_thread(self.read))
        if not self.listed and self._reading is not None:
            await asyncio.shield(self._reading)
        return self.listed

    def read(self) -> None:
        """Read the shoppers from the log, for which the event loop must not wait."""
        self.listed = self._personas()

    def markets(self) -> list[str]:
        """Return the markets that a person can choose; empty where the shop has only one."""
        declared = [market.name for market in self.shop.markets]
        seen = [persona.market for persona in self.listed if persona.market]
        names = declared or [name for name in dict.fromkeys(seen) if name != DEFAULT_MARKET]
        return names if len(names) > 1 else []

    def _personas(self) -> Sequence[Persona]:
        rows = self._shoppers()
        named = [
            persona
            for market, warm, warm_events, cold, cold_events in rows
            for persona in (
                Persona("warm", warm, self._market(market), warm_events),
                Persona("cold", cold, self._market(market), cold_events),
            )
            if persona.kind == "cold" or warm_events > 0
        ]
        seen = [persona.market for persona in named] or [self._market(None)]
        markets = list(dict.fromkeys([*seen, *(market.name for market in self.shop.markets)]))
        if not named:
            named = [Persona("cold", "new-shopper", markets[0])]
        return [*named, Persona("anonymous", None, markets[-1])]

    def _shoppers(self) -> list[tuple[str, str, int, str, int]]:
        import duckdb

        rankings = [str(path) for path in self.log.relation_paths("ranking")]
        interactions = [str(path) for path in self.log.relation_paths("interaction")]
        if not rankings or not interactions:
            return []
        with duckdb.connect(config={"threads": 1}) as db:
            rows = db.execute(
                _SHOPPERS,
                {"rankings": rankings, "interactions": interactions, "most": MOST_MARKETS},
            )
            return rows.fetchall()

    def _market(self, name: str | None) -> str | None:
        """Return a market as a request names it; the first one where the shop has no default."""
        default = self.shop.declared_market(None)
        if self.shop.markets:
            return self.shop.declared_market(name) or default or self.shop.markets[0].name
        return name
