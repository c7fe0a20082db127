"""The shop's own fields of items and users, declared in the home's `shop.toml`.

One `[[item]]` or `[[user]]` table declares one field.  Feature views and SQL derive from it, so
shops with genres and actors and shops with brands and prices run the same code.  `[session]` says
after how many days of silence a session no longer counts; `[bots]` how many events a day make a
user or session a bot, and whether bots count; `[[market]]` the language and currency of a market;
`[currency]` how amounts become comparable; `[contract]` what is refused.
"""

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from feature_repo.home import DAY, ShopError, did_you_mean
from feature_repo.shop.contract_rules import ContractRules, read_contract_rules
from feature_repo.shop.languages import LANGUAGES, language_of
from feature_repo.shop.markets import Market, read_markets
from feature_repo.shop.money import Money, read_money

FieldType = Literal["number", "text", "category", "list", "vector", "time", "bool"]
Role = Literal[
    "title",
    "category",
    "brand",
    "price",
    "list_price",
    "stock",
    "market",
    "group",
    "image",
    "text",
]

RESERVED_COLUMNS = frozenset(
    {
        *("item_id", "user_id", "event_timestamp", "created_timestamp"),
        *("is_deleted", "event_times", "part", "present", "item_ids", "at"),
        *("rn", "entity_row_id", "event_expire_timestamp"),
    }
)
"""Columns of Aisle, and temporary columns of Feast's joins."""

ITEM_KEYS = frozenset({"name", "type", "column", "role", "description"})
USER_KEYS = ITEM_KEYS | {"values"}
"""Keys that the declaration of a field may have."""

TABLES = ("name", "item", "user", "session", "bots", "market", "currency", "contract")
"""Keys of `shop.toml`."""

SESSION_TTL_DAYS = 30
"""Days of silence after which a session no longer counts, by default."""

EVENTS_PER_DAY = 5_000
"""Events of a user or session on one UTC day above which it is a bot, by default."""

TASTE_TYPES: tuple[FieldType, ...] = ("category", "list")
SIMULATED_SHOP = Path(__file__).parent / "examples" / "simulated.toml"


@dataclass(frozen=True)
class ShopField:
    """One field of a shop's items or users.

    Attributes:
        name: in the events.
        type: number, text, category (one of many texts), list (of texts), vector (of numbers),
            time or bool.
        column: its name in feature views: lower-case ASCII letters, digits and underscores.
        role: meaning of the field to the platform, if any.
        description: one sentence for readers.
        values: values of a user's category that a model reads one by one.
    """

    name: str
    type: FieldType
    column: str
    role: Role | None = None
    description: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class BotRule:
    """What is a bot, and whether its events count.

    Attributes:
        events_per_day: a user or session with more events on a UTC day is a bot on that day.
        count: whether popularity, neighbours, query understanding and training data contain its
            events of that day.
    """

    events_per_day: int = EVENTS_PER_DAY
    count: bool = True


@dataclass(frozen=True)
class Shop:
    """The fields of one shop, in the order they were declared.

    Attributes:
        name: of the shop.
        item_fields: of its items.
        user_fields: of its users.
        session_ttl_days: days of silence after which a session no longer counts.
        bots: what is a bot, and whether it counts.
        markets: those that are declared.
        money: how amounts of several currencies become comparable.
        contract: which events are refused or named in warnings.
    """

    name: str
    item_fields: tuple[ShopField, ...]
    user_fields: tuple[ShopField, ...] = ()
    session_ttl_days: float = SESSION_TTL_DAYS
    bots: BotRule = BotRule()
    markets: tuple[Market, ...] = ()
    money: Money = field(default_factory=Money)
    contract: ContractRules = field(default_factory=ContractRules)

    @classmethod
    def load(cls, path: Path) -> "Shop":
        """Read `path`; if it is absent, the simulated shop's declaration.

        Raises:
            ShopError: not TOML; an unknown table; a field without name or type, doubled or unknown;
                or an impossible `[session]`, `[bots]`, `[[market]]`, `[currency]` or `[contract]`.
        """
        source = path if path.exists() else SIMULATED_SHOP
        try:
            table = tomllib.loads(source.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ShopError(f"{source}: expected TOML: {error}.") from None
        for name in table:
            if name not in TABLES:
                hint = did_you_mean(name, TABLES) or "Remove it."
                raise ShopError(
                    f"{source}: expected only {', '.join(TABLES)}, found {name!r}. {hint}"
                )
        markets = read_markets(table.get("market", []), source)
        return cls(
            name=str(table.get("name", source.stem)),
            item_fields=_fields(table.get("item", []), source, ITEM_KEYS),
            user_fields=_fields(table.get("user", []), source, USER_KEYS),
            session_ttl_days=_session_ttl_days(table.get("session", {}), source),
            bots=_bot_rule(table.get("bots", {}), source),
            markets=markets,
            money=read_money(table.get("currency", {}), markets, source),
            contract=read_contract_rules(table.get("contract", {}), source),
        )

    def market(self, name: str) -> Market:
        """Return a market; one that is not declared has the language of its name.

        In a shop that declares markets, it has the language of the first.
        """
        declared = self._markets.get(name.casefold())
        if declared is not None:
            return declared
        return Market(name, self.markets[0].language if self.markets else language_of(name))

    def declared_market(self, name: str | None) -> str | None:
        """Return the market that a name means, as it is declared; None if it means none.

        Without a name it is the default market, or the only one.  A shop without declared markets
        has any market.
        """
        if not self.markets:
            return name
        if name is None:
            return self._default_market
        market = self._markets.get(name.casefold())
        return None if market is None else market.name

    @cached_property
    def _default_market(self) -> str | None:
        defaults = [market.name for market in self.markets if market.is_default]
        return next(iter(defaults), self.markets[0].name if len(self.markets) == 1 else None)

    def choices(self, language: str, *types: FieldType) -> list[list[ShopField]]:
        """Return the item fields of some types as a market's language reads them.

        A field such as `title_de` has the texts of `title` for the markets of one language, if its
        name ends in the code of a market's language or in the name of a declared market.

        Returns:
            for each text of an item, its fields in the order of preference; the title's first.
        """
        fields: dict[str, dict[str, ShopField]] = {}
        for one in self.items_of(*types):
            stem, _, ending = one.name.rpartition("_")
            owner = self._language_by_ending.get(ending.casefold(), "") if stem else ""
            fields.setdefault(stem if owner else one.name, {}).setdefault(owner, one)
        title = self.item_role("title")
        ordered = sorted(fields.values(), key=lambda texts: title not in texts.values())
        chosen = [
            [
                *(texts[owner] for owner in (language, "") if owner in texts),
                *([title] if title is not None and title in texts.values() else []),
            ]
            for texts in ordered
        ]
        return [list(dict.fromkeys(choice)) for choice in chosen if choice]

    def fields_of(self, entity: str) -> dict[str, ShopField]:
        """Return the fields of `item` or `user` by name."""
        return self._fields[entity]

    @cached_property
    def _fields(self) -> dict[str, dict[str, ShopField]]:
        entities = {"item": self.item_fields, "user": self.user_fields}
        return {entity: {f.name: f for f in fields} for entity, fields in entities.items()}

    def items_of(self, *types: FieldType) -> tuple[ShopField, ...]:
        """Return the item fields of the given types, in declared order."""
        return tuple(field for field in self.item_fields if field.type in types)

    def item_role(self, role: Role) -> ShopField | None:
        """Return the item field with this role, if any."""
        return self._roles.get(role)

    def columns_of(self, *types: FieldType) -> tuple[str, ...]:
        """Return the columns of the item fields of the given types; cached for every request."""
        if types not in self._columns:
            self._columns[types] = tuple(field.column for field in self.items_of(*types))
        return self._columns[types]

    @cached_property
    def session_ttl(self) -> int:
        """Microseconds of silence after which a session no longer counts."""
        return round(self.session_ttl_days * DAY)

    @cached_property
    def _markets(self) -> dict[str, Market]:
        return {market.name.casefold(): market for market in self.markets}

    @cached_property
    def _language_by_ending(self) -> dict[str, str]:
        languages = {market.language for market in self.markets}
        codes = {code: name for code, name in LANGUAGES.items() if name in languages}
        return codes | {name: market.language for name, market in self._markets.items()}

    @cached_property
    def _roles(self) -> dict[Role | None, ShopField]:
        """Role → its first field."""
        return {field.role: field for field in reversed(self.item_fields)}

    @cached_property
    def _columns(self) -> dict[tuple[FieldType, ...], tuple[str, ...]]:
        return {}

    @cached_property
    def taste_columns(self) -> tuple[str, ...]:
        """Columns of the taste fields."""
        return tuple(field.column for field in self.taste_fields)

    @cached_property
    def taste_fields(self) -> tuple[ShopField, ...]:
        """Item fields that can express a user's taste: categories and lists."""
        return self.items_of(*TASTE_TYPES)

    @cached_property
    def price_field(self) -> ShopField | None:
        """The item field with the role price, if it is a number."""
        field = self.item_role("price")
        return field if field is not None and field.type == "number" else None

    @cached_property
    def recent_fields(self) -> tuple[ShopField, ...]:
        """Item fields that history rows store: taste fields, and the price."""
        return (*self.taste_fields, *((self.price_field,) if self.price_field else ()))


def safe_column(name: str, existing: Iterable[str] = ()) -> str:
    """Turn a field's name into a free column name that Feast, SQL and Python accept.

    Feast's historical join drops every column that ends in `_y`.

    >>> safe_column("Größe (cm)"), safe_column("part")
    ('gr_e_cm', 'part_field')
    >>> safe_column("size_y")
    'size_y_field'
    """
    letters = "".join(c if c.isascii() and c.isalnum() else "_" for c in name.lower())
    column = "_".join(word for word in letters.split("_") if word) or "field"
    if column[0].isdigit():
        column = f"field_{column}"
    if column in RESERVED_COLUMNS or column.endswith("_y"):
        column = f"{column}_field"
    candidate, number = column, 2
    while candidate in existing:
        candidate, number = f"{column}_{number}", number + 1
    return candidate


def _fields(tables: Any, source: Path, keys: frozenset[str]) -> tuple[ShopField, ...]:
    fields: list[ShopField] = []
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ShopError(f"{source}: expected fields as [[item]] and [[user]] tables.")
    for table in tables:
        field = _field(table, [f.column for f in fields], source, keys)
        if field.name in [f.name for f in fields]:
            raise ShopError(f"{source}: field {field.name!r} is declared twice; keep one.")
        if field.role and field.role in [f.role for f in fields]:
            raise ShopError(f"{source}: role {field.role!r} is given twice; one field can have it.")
        fields.append(field)
    return tuple(fields)


def _session_ttl_days(session: Any, source: Path) -> float:
    if not isinstance(session, dict) or set(session) - {"ttl_days"}:
        raise ShopError(f"{source}: expected [session] with the key ttl_days, found {session!r}.")
    days = session.get("ttl_days", SESSION_TTL_DAYS)
    if isinstance(days, bool) or not isinstance(days, (int, float)) or not 0 < days < math.inf:
        raise ShopError(
            f"{source}: [session] ttl_days: expected a number of days above 0, found {days!r}."
        )
    return days


def _bot_rule(bots: Any, source: Path) -> BotRule:
    if not isinstance(bots, dict) or set(bots) - {"events_per_day", "count"}:
        raise ShopError(
            f"{source}: expected [bots] with the keys events_per_day and count, found {bots!r}."
        )
    rule = BotRule(**bots)
    if type(rule.events_per_day) is not int or rule.events_per_day < 1:
        raise ShopError(
            f"{source}: [bots] events_per_day: expected a whole number above 0, found "
            f"{rule.events_per_day!r}."
        )
    if type(rule.count) is not bool:
        raise ShopError(f"{source}: [bots] count: expected true or false, found {rule.count!r}.")
    return rule


def _field(
    table: dict[str, Any], existing: list[str], source: Path, keys: frozenset[str]
) -> ShopField:
    unknown = set(table) - keys
    if unknown:
        raise ShopError(f"{source}: a field has unknown keys {sorted(unknown)}.")
    name: Any = table.get("name")
    type_: Any = table.get("type")
    role: Any = table.get("role")
    if not isinstance(name, str) or not name:
        raise ShopError(f"{source}: a field has no name: {table}.")
    if type_ not in get_args(FieldType):
        raise ShopError(
            f"{source}: field {name!r}: expected a type of {', '.join(get_args(FieldType))}, "
            f"found {type_!r}."
        )
    if role is not None and role not in get_args(Role):
        raise ShopError(
            f"{source}: field {name!r}: expected a role of {', '.join(get_args(Role))}, "
            f"found {role!r}."
        )
    column = table.get("column") or safe_column(name, existing)
    if column != safe_column(str(column), existing):
        raise ShopError(f"{source}: column {column!r} of {name!r} is not free or not a plain name.")
    values = _choices(table, source)
    return ShopField(name, type_, column, role, str(table.get("description", "")), values)


def _choices(table: dict[str, Any], source: Path) -> tuple[str, ...]:
    values = table.get("values", [])
    texts = isinstance(values, list) and all(isinstance(v, str) and v for v in values)
    if not texts or len(set(values)) < len(values):
        raise ShopError(
            f"{source}: field {table['name']!r}: expected values as a list of texts, each once, "
            f"found {values!r}."
        )
    if values and table["type"] != "category":
        raise ShopError(
            f"{source}: field {table['name']!r}: only a category has values; "
            f"it is a {table['type']}."
        )
    return tuple(values)
