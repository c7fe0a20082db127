"""The event contract: kinds of events, their fields, parsers and validation."""

from feature_repo.events.contract import values
from feature_repo.events.contract.bodies import BYTE_ORDER_MARK, decode_json, split_body
from feature_repo.events.contract.events import (
    ARROW_SCHEMAS,
    DEFAULT_MARKET,
    KINDS,
    POSITIVE_TYPES,
    SHOP_KINDS,
    AnyEvent,
    FieldValue,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ServedEvent,
    ShownItem,
    SourceLocations,
    UserEvent,
)
from feature_repo.events.contract.parsing import parse_canonical, parse_event, parse_metarank
from feature_repo.events.contract.query_key import QUERY_KEY_VERSION, query_key
from feature_repo.events.contract.schemas import json_schemas
from feature_repo.events.contract.validation import validate_event
from feature_repo.events.contract.values import (
    check_unique,
    identifier,
    identifiers,
    number,
    shop_field,
    text,
)

__all__ = [
    "ARROW_SCHEMAS",
    "BYTE_ORDER_MARK",
    "DEFAULT_MARKET",
    "KINDS",
    "POSITIVE_TYPES",
    "QUERY_KEY_VERSION",
    "SHOP_KINDS",
    "AnyEvent",
    "FieldValue",
    "InteractionEvent",
    "ItemEvent",
    "RankingEvent",
    "ServedEvent",
    "ShownItem",
    "SourceLocations",
    "UserEvent",
    "check_unique",
    "decode_json",
    "identifier",
    "identifiers",
    "json_schemas",
    "number",
    "parse_canonical",
    "parse_event",
    "parse_metarank",
    "query_key",
    "shop_field",
    "split_body",
    "text",
    "validate_event",
    "values",
]
