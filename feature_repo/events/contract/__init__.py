"""The event contract: the kinds of events, their fields and validation."""

from feature_repo.events.contract.bodies import (
    BYTE_ORDER_MARK,
    decode_json,
    decode_together,
    split_body,
)
from feature_repo.events.contract.canonical import parse_canonical
from feature_repo.events.contract.decisions import DECISION, REWARD, Decision, arm_key
from feature_repo.events.contract.event_kind import DERIVED_COLUMNS, ERASED_USER, EventKind
from feature_repo.events.contract.events import (
    DEFAULT_MARKET,
    OTHER_TYPES,
    POSITIVE_TYPES,
    AnyEvent,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ServedEvent,
    ServedRankingEvent,
    SourceLocations,
    UserEvent,
)
from feature_repo.events.contract.exact_lines import decode_block, decode_exact
from feature_repo.events.contract.identity import (
    Link,
    Merge,
    link_of,
    merge_of,
    owner_changes,
)
from feature_repo.events.contract.kinds import (
    ARROW_SCHEMAS,
    EVENT_KINDS,
    FEATURE_KINDS,
    SHOP_KINDS,
    kind_of_event,
)
from feature_repo.events.contract.query_key import QUERY_KEY_VERSION, query_key
from feature_repo.events.contract.record_check import checked_record
from feature_repo.events.contract.schemas import json_schemas
from feature_repo.events.contract.slates import ShownItem
from feature_repo.events.contract.validation import (
    are_valid,
    check_corrected,
    check_first_correction,
    is_corrected_by,
    received,
    validate_event,
)
from feature_repo.events.contract.values import (
    LONGEST_SLATE,
    FieldValue,
    amount,
    check_length,
    check_size,
    check_unique,
    identifier,
    identifiers,
    number,
    shop_field,
    text,
    with_currency,
)
from feature_repo.events.contract.values import currency as read_currency

__all__ = [
    "ARROW_SCHEMAS",
    "BYTE_ORDER_MARK",
    "DECISION",
    "DEFAULT_MARKET",
    "DERIVED_COLUMNS",
    "ERASED_USER",
    "EVENT_KINDS",
    "FEATURE_KINDS",
    "LONGEST_SLATE",
    "OTHER_TYPES",
    "POSITIVE_TYPES",
    "QUERY_KEY_VERSION",
    "REWARD",
    "SHOP_KINDS",
    "AnyEvent",
    "Decision",
    "EventKind",
    "FieldValue",
    "InteractionEvent",
    "ItemEvent",
    "Link",
    "Merge",
    "RankingEvent",
    "ServedEvent",
    "ServedRankingEvent",
    "ShownItem",
    "SourceLocations",
    "UserEvent",
    "amount",
    "are_valid",
    "arm_key",
    "check_corrected",
    "check_first_correction",
    "check_length",
    "check_size",
    "check_unique",
    "checked_record",
    "decode_block",
    "decode_exact",
    "decode_json",
    "decode_together",
    "identifier",
    "identifiers",
    "is_corrected_by",
    "json_schemas",
    "kind_of_event",
    "link_of",
    "merge_of",
    "number",
    "owner_changes",
    "parse_canonical",
    "query_key",
    "read_currency",
    "received",
    "shop_field",
    "split_body",
    "text",
    "validate_event",
    "with_currency",
]
