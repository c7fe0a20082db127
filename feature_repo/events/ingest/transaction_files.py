"""Convert tables of transactions to events: purchases, returns and corrections.

    a line that is                     becomes
    a purchase                         interaction `purchase`, with quantity and value (the amount)
    the cancellation of all of an      interaction `purchase` that corrects it: the user's latest
      earlier purchase                   of that item, quantity and price not yet cancelled
    any other cancellation             interaction `return`
    the first with new fields          before that, an upsert of the fields that changed
      of an item or a user
    excluded, or not readable          quarantined, with its reason

The order is the session. Event ids are digests of the line, so reading a table again, in any order
of lines, gives only duplicates; a line that occurs n times in a file is n purchases.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import msgspec

from feature_repo.events.ingest.files import EventFiles, Line
from feature_repo.events.ingest.transaction_mapping import Cells, TableMapping
from feature_repo.events.ingest.transaction_table import in_time_order, read_table
from feature_repo.events.ingest.transactions import (
    Transaction,
    clamped,
    described,
    readable,
    transaction_of,
    unjoined,
)
from feature_repo.home import EventError, to_text

Raw = dict[str, Any]
_Purchase = tuple[str, float, float | None]
"""Event id, quantity and amount."""

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")


def files_of(paths: Sequence[Path], mapping: TableMapping | None) -> EventFiles:
    """Return event files, or tables of transactions if there is a mapping."""
    return EventFiles(paths) if mapping is None else TransactionFiles(paths, mapping)


class TransactionFiles(EventFiles):
    """The lines of tables of transactions, as canonical events."""

    suffixes = TABLE_SUFFIXES

    def __init__(self, paths: Sequence[Path], mapping: TableMapping) -> None:
        super().__init__(paths)
        self._mapping = mapping
        self._ledger = _Ledger(mapping.name)

    def read(self, path: Path, file: IO[bytes]) -> Iterator[Line]:
        """Yield the events of one table, and its lines that cannot be read."""
        table = read_table(file, self._mapping)
        for number, refusal in table.refused:
            yield Line(str(path), number, error=refusal)
        self._ledger.begin_file()
        for number, instant, cells in in_time_order(table, self._mapping):
            try:
                *upserts, purchase = self._events(cells, instant)
            except EventError as error:
                content = msgspec.json.encode(cells, enc_hook=str)
                yield Line(str(path), number, error=error, content=content)
                continue
            yield from (Line(str(path), number, event) for event in upserts)
            yield Line(str(path), number, purchase, warnings=self._warnings)

    def _events(self, cells: Cells, instant: int) -> list[Raw]:
        """Return the events of a line, the interaction last; its warnings become `_warnings`."""
        mapping, ledger = self._mapping, self._ledger
        cells, changes = clamped(readable(cells, mapping), mapping)
        self._warnings = [*unjoined(cells, mapping), *changes]
        line = transaction_of(cells, instant, mapping)
        item = {} if line.cancels else described(cells, mapping.item_fields)
        user = described(cells, mapping.user_fields)
        upserts = [
            ledger.upsert("item", line.item_id, item, line.at),
            ledger.upsert("user", line.user_id, user, line.at),
        ]
        return [*(event for event in upserts if event is not None), ledger.interaction(line)]


class _Ledger:
    """The state after the lines read so far: current fields, and purchases not yet cancelled."""

    def __init__(self, shop: str) -> None:
        self._shop = shop
        self._fields: dict[tuple[str, str], dict[str, object]] = {}
        self._purchases: dict[tuple[str, str], list[_Purchase]] = defaultdict(list)
        self._occurrences: Counter[str] = Counter()

    def begin_file(self) -> None:
        """Restart the count of equal lines for the next file, because two exports may overlap."""
        self._occurrences.clear()

    def upsert(
        self, entity: str, entity_id: str | None, fields: dict[str, object], at: int
    ) -> Raw | None:
        """Return the upsert of the fields that changed; None if an entity did not change."""
        if entity_id is None:
            return None
        is_new = (entity, entity_id) not in self._fields
        current = self._fields.setdefault((entity, entity_id), {})
        changed = {name: value for name, value in fields.items() if current.get(name) != value}
        if not is_new and not changed:
            return None
        current.update(changed)
        event_id = _digest(self._shop, entity, entity_id, at, sorted(changed.items()))
        event = {"kind": entity, "event_id": event_id, f"{entity}_id": entity_id, "fields": changed}
        return event | {"event_time": to_text(at)}

    def interaction(self, line: Transaction) -> Raw:
        """Return the purchase, return or correction of a line."""
        content = _digest(self._shop, line)
        self._occurrences[content] += 1
        event_id = f"{content}-{self._occurrences[content]}"
        corrects = self._cancelled_purchase(line) if line.cancels else None
        if not line.cancels and line.user_id is not None:
            purchase = (event_id, line.quantity, line.amount)
            self._purchases[line.user_id, line.item_id].append(purchase)
        return {
            "kind": "interaction",
            "event_id": event_id,
            "event_time": to_text(line.at),
            "type": "return" if line.cancels and corrects is None else "purchase",
            "item_id": line.item_id,
            "user_id": line.user_id,
            "session_id": line.order_id,
            "quantity": line.quantity,
            "value": line.amount,
            "corrects": corrects,
        }

    def _cancelled_purchase(self, line: Transaction) -> str | None:
        """Remove and return the event id of the purchase that a line cancels as a whole."""
        purchases = self._purchases.get((line.user_id or "", line.item_id), [])
        for index in reversed(range(len(purchases))):
            event_id, *amount = purchases[index]
            if amount == [line.quantity, line.amount]:
                del purchases[index]
                return event_id
        return None


def _digest(*values: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(values), digest_size=16).hexdigest()
