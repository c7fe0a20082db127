"""The event log: durable segments, seals, compaction, and erasure."""

from feature_repo.events.log.arrow import to_table
from feature_repo.events.log.bots import NO_BOTS, find_bots
from feature_repo.events.log.compaction import CompactionReport, Survey
from feature_repo.events.log.erasure import (
    erased_users,
    erasure_done,
    erasures,
    pending_erasure,
)
from feature_repo.events.log.index import COMPACTION_LOCK, EventIndex
from feature_repo.events.log.index_content import digest
from feature_repo.events.log.log import EventLog
from feature_repo.events.log.partitions import (
    check_relations,
    list_relations,
    part_of,
    read_groups,
    read_relation,
    read_rows,
    relation_path_of,
    replacing_relation,
)
from feature_repo.events.log.quarantine import Entry as QuarantineEntry
from feature_repo.events.log.quarantine import Quarantine, set_aside_path
from feature_repo.events.log.seals import Seals, read_seals
from feature_repo.events.log.segments import SegmentWriter, encode_event, encode_events
from feature_repo.events.log.user_events import events_of_user

__all__ = [
    "COMPACTION_LOCK",
    "NO_BOTS",
    "CompactionReport",
    "EventIndex",
    "EventLog",
    "Quarantine",
    "QuarantineEntry",
    "Seals",
    "SegmentWriter",
    "Survey",
    "check_relations",
    "digest",
    "encode_event",
    "encode_events",
    "erased_users",
    "erasure_done",
    "erasures",
    "events_of_user",
    "find_bots",
    "list_relations",
    "part_of",
    "pending_erasure",
    "read_groups",
    "read_relation",
    "read_rows",
    "read_seals",
    "relation_path_of",
    "replacing_relation",
    "set_aside_path",
    "to_table",
]
