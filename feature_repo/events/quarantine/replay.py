"""Send quarantined lines again, after the shop's fields, a dialect or the clock was corrected."""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from feature_repo.events.ingest import IngestReport, ingest
from feature_repo.events.quarantine.lines import StoredEntry, remove_entries
from feature_repo.home import Clock, Home


def replay(entries: Sequence[StoredEntry], *, home: Home, clock: Clock) -> IngestReport:
    """Ingest the lines of entries as received now, and remove the entries.

    A line that is refused again becomes a new entry.  A killed replay can be repeated: an event id
    counts once.  An entry whose text is cut stays.

    Raises:
        LogError: the log cannot be written.
    """
    whole = [stored for stored in entries if not stored.entry.is_cut]
    path = home.log / "staging" / f"replay-{secrets.token_hex(4)}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write(path, whole)
        report = ingest([path], home=home, clock=clock, mode="late")
        remove_entries(home.log / "quarantine", [stored.id for stored in whole])
    finally:
        path.unlink(missing_ok=True)
    return report


def _write(path: Path, entries: Sequence[StoredEntry]) -> None:
    with path.open("wb") as file:
        for stored in entries:
            file.writelines(line + b"\n" for line in _lines(stored))


def _lines(stored: StoredEntry) -> Iterator[bytes]:
    text = stored.entry.text.encode()
    if stored.entry.count == 1:
        yield b" ".join(text.splitlines())
        return
    for element in msgspec.json.decode(text, type=list[msgspec.Raw]):
        yield bytes(element)
