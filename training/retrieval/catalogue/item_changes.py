"""Changes of items since the indexes were fitted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from training.retrieval.catalogue.item_table import Fields, ItemTable


@dataclass(frozen=True)
class ItemChanges:
    """Changes of K items, which an index follows.

    Attributes:
        after: the item table with the changes.
        item_ids: K ids.
        old: K, the fields before the change; None for an item that was not for sale.
        new: K, the fields after it; None for an item that is not for sale.
        first_seen_at: by id, the time of the first change, µs; at least of the new items.
        restored: the ids of items that were deleted before the change and are for sale after it.
    """

    after: ItemTable
    item_ids: Sequence[str]
    old: Sequence[Fields | None]
    new: Sequence[Fields | None]
    first_seen_at: Mapping[str, int] = field(default_factory=dict)
    restored: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        before: ItemTable,
        fields: Mapping[str, Fields],
        first_seen_at: Mapping[str, int] | None = None,
    ) -> "ItemChanges":
        """Return the changes of the items of a table, given all fields of each changed item."""
        item_ids, after = [*fields], before.with_fields(fields)
        old, new = before.fields_of(item_ids), after.fields_of(item_ids)
        restored = frozenset(
            item_id
            for item_id, one, other in zip(item_ids, old, new, strict=True)
            if one is None and other is not None and item_id in before.row
        )
        return cls(after, item_ids, old, new, first_seen_at or {}, restored)

    def __iter__(self) -> Iterator[tuple[str, Fields | None, Fields | None]]:
        """Iterate over id, old and new fields."""
        return zip(self.item_ids, self.old, self.new, strict=True)
