"""The event contract: the kinds of events, their fields, dialects and validation."""

from feature_repo.events.contract.bodies import (
    BYTE_ORDER_MARK,
    decode_json,
    decode_together,
    split_body,
)
from feature_repo.events.contract.canonical import parse_canonical
from feature_repo.events.contract.dialects import (
    CANONICAL,
    Dialect,
    parse_events,
    parse_feedback,
    sent_name,
)
from feature_repo.events.contract.event_kind import DERIVED_COLUMNS, ERASED_USER, EventKind
from feature_repo.events.contract.events import (
    DECISION,
    DEFAULT_MARKET,
    OTHER_TYPES,
    POSITIVE_TYPES,
    REWARD,
    AnyEvent,
    Decision,
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    ServedEvent,
    SourceLocations,
    UserEvent,
    arm_key,
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
    check_unique,
    identifier,
    identifiers,
    number,
    shop_field,
    text,
)
from feature_repo.events.contract.values import currency as read_currency

__all__ = [
    "ARROW_SCHEMAS",
    "BYTE_ORDER_MARK",
    "CANONICAL",
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
    "Dialect",
    "EventKind",
    "FieldValue",
    "InteractionEvent",
    "ItemEvent",
    "Link",
    "Merge",
    "RankingEvent",
    "ServedEvent",
    "ShownItem",
    "SourceLocations",
    "UserEvent",
    "are_valid",
    "arm_key",
    "check_corrected",
    "check_first_correction",
    "check_unique",
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
    "parse_events",
    "parse_feedback",
    "query_key",
    "read_currency",
    "received",
    "sent_name",
    "shop_field",
    "split_body",
    "text",
    "validate_event",
]
