"""Tables of transactions as events: each line a purchase, a return, a correction, or set aside.

    a line that is                     becomes
    a purchase                         interaction `purchase`, with quantity and value (the amount)
    the cancellation of the user's     interaction `purchase` that corrects it: the latest one of
      earlier purchase as a whole        that item, quantity and price not taken back before
    any other cancellation             interaction `return`
    news of an item or a user          before that, an upsert of the fields that have changed
    excluded, or not readable          quarantined, with its reason

The order is the session.  Ids follow from what stands in a line, so a table read again, whatever
the order of its lines, is all duplicates; a line that stands n times in a file is n purchases.
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
    described,
    readable,
    transaction_of,
)
from feature_repo.home import EventError, to_text

Raw = dict[str, Any]

TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")


def files_of(paths: Sequence[Path], mapping: TableMapping | None) -> EventFiles:
    """Files of events, or with a mapping tables of transactions."""
    return EventFiles(paths) if mapping is None else TransactionFiles(paths, mapping)


class TransactionFiles(EventFiles):
    """The lines of tables of transactions, as canonical events."""

    suffixes = TABLE_SUFFIXES

    def __init__(self, paths: Sequence[Path], mapping: TableMapping) -> None:
        super().__init__(paths)
        self._mapping = mapping
        self._ledger = _Ledger(mapping.name)

    def read(self, path: Path, file: IO[bytes]) -> Iterator[Line]:
        """The events of one table, and its lines that are none."""
        table = read_table(file, self._mapping)
        for number, reason in table.refused:
            yield Line(str(path), number, reason=reason)
        self._ledger.begin_file()
        for number, instant, cells in in_time_order(table, self._mapping):
            try:
                events = self._events(cells, instant)
            except EventError as error:
                content = msgspec.json.encode(cells, enc_hook=str)
                yield Line(str(path), number, reason=str(error), content=content)
                continue
            yield from (Line(str(path), number, event) for event in events)

    def _events(self, cells: Cells, instant: int) -> list[Raw]:
        mapping, ledger = self._mapping, self._ledger
        cells = readable(cells, mapping)
        line = transaction_of(cells, instant, mapping)
        item = {} if line.cancels else described(cells, mapping.item_fields)
        user = described(cells, mapping.user_fields)
        news = [
            ledger.news("item", line.item_id, item, line.at),
            ledger.news("user", line.user_id, user, line.at),
        ]
        return [*(event for event in news if event is not None), ledger.interaction(line)]


class _Ledger:
    """What the lines before have told."""

    def __init__(self, shop: str) -> None:
        self._shop = shop
        self._known: dict[tuple[str, str], dict[str, object]] = defaultdict(dict)
        self._kept: dict[tuple[str, str], list[tuple[str, float, float | None]]] = defaultdict(list)
        self._times: Counter[str] = Counter()

    def begin_file(self) -> None:
        """From here on equal lines are counted anew: two exports may overlap."""
        self._times.clear()

    def news(
        self, entity: str, entity_id: str | None, fields: dict[str, object], at: int
    ) -> Raw | None:
        """The upsert of the fields that are not as they were, if any."""
        if entity_id is None:
            return None
        told_before = (entity, entity_id) in self._known
        known = self._known[entity, entity_id]
        news = {name: value for name, value in fields.items() if known.get(name) != value}
        if told_before and not news:
            return None
        known.update(news)
        event_id = _digest(self._shop, entity, entity_id, at, sorted(news.items()))
        named = {"kind": entity, "event_id": event_id, f"{entity}_id": entity_id, "fields": news}
        return named | {"event_time": to_text(at)}

    def interaction(self, line: Transaction) -> Raw:
        """The purchase, return or correction that a line says."""
        content = _digest(self._shop, line)
        self._times[content] += 1
        event_id = f"{content}-{self._times[content]}"
        corrects = self._taken_back(line) if line.cancels else None
        if not line.cancels and line.user_id is not None:
            kept = (event_id, line.quantity, line.unit_price)
            self._kept[line.user_id, line.item_id].append(kept)
        return {
            "kind": "interaction",
            "event_id": event_id,
            "event_time": to_text(line.at),
            "type": "return" if line.cancels and corrects is None else "purchase",
            "item_id": line.item_id,
            "user_id": line.user_id,
            "session_id": line.order_id,
            "quantity": line.quantity,
            "value": None if line.unit_price is None else line.quantity * line.unit_price,
            "corrects": corrects,
        }

    def _taken_back(self, line: Transaction) -> str | None:
        """The purchase that a cancellation takes back as a whole."""
        kept = self._kept.get((line.user_id or "", line.item_id), [])
        for place in reversed(range(len(kept))):
            event_id, *bought = kept[place]
            if bought == [line.quantity, line.unit_price]:
                del kept[place]
                return event_id
        return None


def _digest(*values: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(values), digest_size=16).hexdigest()
