"""Check the values of a valid event against what its shop declares.

The contract decides which events can be logged.  These checks name what a shop probably did not
mean, such as a misspelt field, which no feature would read, and read numbers as people write them.
Under `[contract] strict` such events are refused.
"""

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from feature_repo.events.contract import (
    DEFAULT_MARKET,
    POSITIVE_TYPES,
    AnyEvent,
    FieldValue,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    UserEvent,
)
from feature_repo.events.dialects import sent_name
from feature_repo.events.quality.field_values import (
    LARGEST_AMOUNT,
    amount_findings,
    convert_prices,
    read_field,
)
from feature_repo.events.quality.finding import Finding, value_finding
from feature_repo.events.quality.interaction_types import counted_types, meant_type
from feature_repo.home import Home, did_you_mean, to_text
from feature_repo.shop import Shop, language_of

EARLIEST = 631_152_000_000_000
"""1990, µs: an earlier event has probably a time in another unit."""

_TAKE_BACK = "Send a correction of the interaction, or one of the type return."

Fields = Mapping[str, FieldValue]


@dataclass(frozen=True)
class EventChecks:
    """The checks of one shop.

    Attributes:
        shop: what is declared.
        has_fields: whether the shop declares its fields; without `shop.toml` any field is right.
        types: of interactions, that need no warning.
    """

    shop: Shop
    has_fields: bool
    types: frozenset[str]

    @classmethod
    def of(cls, home: Home | None) -> "EventChecks":
        """Return the checks of a home's shop; without a home it declares nothing.

        Raises:
            ShopError: `shop.toml` is invalid.
        """
        if home is None or not home.shop_toml.exists():
            return cls(Shop("", ()), False, counted_types())
        shop = Shop.load(home.shop_toml)
        return cls(shop, True, counted_types() | {*shop.contract.types})

    def check_all(
        self, events: Sequence[AnyEvent]
    ) -> tuple[Sequence[AnyEvent], list[tuple[int, Finding]]]:
        """Check events that are written as the log writes them; each finding with its position.

        Raises:
            EventError: there is a finding, and the shop is strict.
        """
        checked = [*events]
        findings: list[tuple[int, Finding]] = []
        for n in self._unusual(events):
            checked[n], about = self.check(events[n])
            findings += ((n, finding) for finding in about)
        return checked, findings

    def _unusual(self, events: Sequence[AnyEvent]) -> list[int]:
        """Return the positions of the events that `check` could change or name."""
        types, ordinary = self.types, self._ordinary_markets
        return [
            n
            for n, event in enumerate(events)
            if event.event_time < EARLIEST
            or (
                event.type not in types
                or event.currency is not None
                or (event.value is not None and not 0 <= event.value < LARGEST_AMOUNT)
                if isinstance(event, InteractionEvent)
                else event.market not in ordinary
                if isinstance(event, RankingEvent)
                else self.has_fields
            )
        ]

    @functools.cached_property
    def _ordinary_markets(self) -> Collection[str]:
        """The markets of rankings that `check` neither changes nor names."""
        if not self.shop.markets:
            return (DEFAULT_MARKET,)
        return {market.name for market in self.shop.markets} - {DEFAULT_MARKET}

    def check(self, event: AnyEvent, raw: object = None) -> tuple[AnyEvent, list[Finding]]:
        """Return the event as Aisle reads it, and what the shop should look at.

        Args:
            event: a valid one.
            raw: the sender's object; None if the event is written as the log writes it.

        Raises:
            EventError: there is something, and the shop is strict.
        """
        findings: list[Finding] = []
        checked: AnyEvent = event
        if isinstance(event, InteractionEvent):
            if event.value is not None or event.type not in self.types:
                checked = self._interaction(event, raw, findings)
        elif isinstance(event, RankingEvent):
            if self.shop.markets:
                checked = self._ranking(event, findings)
            elif self.has_fields and event.market != DEFAULT_MARKET:
                findings.append(_no_markets("market", event.market))
        elif isinstance(event, ItemEvent | UserEvent) and self.has_fields and event.fields:
            checked = self._described(event, findings)
        if event.event_time < EARLIEST:
            hint = "Send seconds, milliseconds or microseconds since 1970, or ISO 8601."
            expected = "a time since 1990"
            findings.append(Finding("event_time", expected, to_text(event.event_time), hint))
        if not findings:
            return checked, findings
        if self.shop.contract.strict:
            raise findings[0].error()
        if raw is None:
            return checked, findings
        return checked, [
            msgspec.structs.replace(one, field=sent_name(raw, one.field)) for one in findings
        ]

    def _interaction(
        self, event: InteractionEvent, raw: object, findings: list[Finding]
    ) -> InteractionEvent:
        if event.type not in self.types:
            findings.append(_unknown_type(event.type, self.types))
        if event.value is None:
            return event
        value, currency, about = amount_findings(event.value, event.currency, raw, self.shop.money)
        findings += about
        if event.value < 0 and event.type in POSITIVE_TYPES and event.corrects is None:
            findings.append(value_finding("value", "0 or more", event.value, _TAKE_BACK))
        if (value, currency) == (event.value, event.currency):
            return event
        return msgspec.structs.replace(event, value=value, currency=currency)

    def _ranking(self, event: RankingEvent, findings: list[Finding]) -> RankingEvent:
        name = None if event.market == DEFAULT_MARKET else event.market
        market = self.shop.declared_market(name)
        if market is None:
            findings.append(self._unknown_market("market", name))
            return event
        return event if market == event.market else msgspec.structs.replace(event, market=market)

    def _unknown_market(self, field: str, name: str | None) -> Finding:
        names = [market.name for market in self.shop.markets]
        expected = f"one of {', '.join(names)}"
        if name is None:
            hint = "Name the market, or give one of shop.toml `default = true`."
            return value_finding(field, expected, None, hint)
        hint = did_you_mean(name, names) or "Declare it in shop.toml as [[market]]."
        return value_finding(field, expected, name, hint)

    def _described(
        self, event: ItemEvent | UserEvent, findings: list[Finding]
    ) -> ItemEvent | UserEvent:
        declared = self.shop.fields_of(event.kind)
        changed: dict[str, FieldValue] = {}
        for name, value in event.fields.items():
            field = declared.get(name)
            if field is None:
                if value is not None and not self.shop.contract.ignores(name):
                    findings.append(
                        _undeclared(name, [n for n in declared if n not in event.fields])
                    )
                continue
            if field.role == "market":
                findings += self._item_markets(name, value)
            read = read_field(field, value, self.shop.money)
            findings += read.findings
            if read.value is not value:
                changed[name] = read.value
        priced = convert_prices({**event.fields, **changed}, declared, self.shop.money)
        findings += priced.findings
        if not changed and not priced.changed:
            return event
        return msgspec.structs.replace(event, fields={**event.fields, **changed, **priced.changed})

    def _item_markets(self, name: str, value: Any) -> list[Finding]:
        names = [one for one in (value if isinstance(value, list) else [value]) if one]
        if not self.shop.markets:
            own = [one for one in names if isinstance(one, str) and one != DEFAULT_MARKET]
            return [_no_markets(f"fields.{name}", one) for one in own[:1]]
        return [
            self._unknown_market(f"fields.{name}", one)
            for one in names
            if isinstance(one, str) and self.shop.declared_market(one) is None
        ]


@functools.lru_cache(maxsize=100)
def _unknown_type(name: str, types: frozenset[str]) -> Finding:
    meant = meant_type(name, types)
    hint = f"Did you mean {meant}?" if meant else "Send the type that it means."
    own = "No feature counts it; declare a type of your own under [contract] types."
    expected = f"one of {', '.join(sorted(types))}"
    return value_finding("type", expected, name, f"{hint} {own}")


def _no_markets(field: str, name: str) -> Finding:
    """Return the finding of a market in a shop that declares none."""
    hint = (
        f'Add [[market]] with name = "{name}" and language = "{language_of(name)}" to shop.toml, '
        "and the other markets too. Until then a misspelt market is accepted."
    )
    return value_finding(field, "a market that shop.toml declares", name, hint)


def _undeclared(name: str, declared: list[str]) -> Finding:
    unread = "No feature reads it; declare it in shop.toml, or list it under [contract] ignore."
    hint = " ".join(filter(None, (did_you_mean(name, declared), unread)))
    return value_finding(f"fields.{name}", "a field of shop.toml", name, hint)
