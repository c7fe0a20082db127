"""Look at quarantined lines, replay or remove them, and set single events of the log aside."""

from feature_repo.events.quarantine.lines import (
    StoredEntry,
    erase_entries,
    find_entry,
    prune_entries,
    read_entries,
)
from feature_repo.events.quarantine.replay import replay
from feature_repo.events.quarantine.set_aside import (
    SetAside,
    erase_set_aside,
    put_back,
    read_set_aside,
    set_aside,
)

__all__ = [
    "SetAside",
    "StoredEntry",
    "erase_entries",
    "erase_set_aside",
    "find_entry",
    "prune_entries",
    "put_back",
    "read_entries",
    "read_set_aside",
    "replay",
    "set_aside",
]
