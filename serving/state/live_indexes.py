"""The indexes in use, with the changes of items since they were fitted.

A background thread reads which items changed, a few times a second.  It gives their newest fields
to every index that can follow them, and then replaces all of these indexes at once.  After a
refresh, only the changes that the new indexes lack are applied to them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from feature_repo.events.log import EventLog
from feature_repo.home import RedisError
from feature_repo.online.hydration import ItemState, ListedChanges
from serving.monitoring import CHANGED_ITEMS
from serving.state.model_registry import LoadedArtifact, ModelRegistry
from training.retrieval.catalogue import ItemChanges
from training.retrieval.indexes import ITEM_TABLE
from training.retrieval.sources import ITEM_PART, index_specs

MOST_CHANGES = 50_000
"""Changed items that are followed; later ones wait for the next refresh."""

_STEP = 500
_MOST_READS = 20
"""Reads of one call, so that a steady stream of changes does not delay newly published indexes."""

_logger = logging.getLogger(__name__)


class ChangeReader(Protocol):
    """Reads changes of items."""

    recoveries: int

    def changes_after(self, number: int | None) -> ListedChanges:
        """Return the items that changed after a change; none of them for None."""

    def item_states(self, item_ids: Sequence[str]) -> list[ItemState | None]:
        """Return the newest attributes of items; None for an unknown item."""


@dataclass(frozen=True)
class _Item:
    """An item that changed since the indexes were fitted."""

    state: ItemState
    first_seen_at: int


@dataclass
class LiveIndexes:
    """Follows changes of items; one thread calls `follow`.

    Attributes:
        models: has the published indexes; its `live_indexes` are replaced.
        changes: reads changes of items.
        log: has the changes that are not listed.
    """

    models: ModelRegistry
    changes: ChangeReader
    log: EventLog
    _published: Mapping[str, LoadedArtifact] = field(default_factory=dict)
    _part: int = 0
    _indexes: Mapping[str, Any] = field(default_factory=dict)
    _items: dict[str, _Item] = field(default_factory=dict)
    _last: int | None = None
    _recoveries: int = -1
    _is_full_logged: bool = False

    def follow(self) -> None:
        """Apply the changes since the last call."""
        published = self.models.followed_indexes()
        if ITEM_TABLE not in published or None in map(_part_of, published.values()):
            self._published = self.models.live_indexes = {}
            return
        is_new = _versions(published) != _versions(self._published)
        if is_new and (_are_of_one_fit(published) or not self._published):
            self._restart(published)
        try:
            for _ in range(_MOST_READS):
                if not self._read():
                    return
        except RedisError:
            # The lists stay as they are; `OnlineFeatures` logs the outage.
            return

    def _restart(self, published: Mapping[str, LoadedArtifact]) -> None:
        """Continue with other published indexes."""
        part = min(part for one in published.values() if (part := _part_of(one)) is not None)
        if not self._published or part < self._part:
            self._items, self._last = {}, None
        self._published, self._part, self._is_full_logged = published, part, False
        self._indexes = {kind: loaded.value for kind, loaded in published.items()}
        self._items = {i: item for i, item in self._items.items() if item.state.part > part}
        self._apply(self._items)
        self.models.live_indexes = self._indexes if self._items else {}
        CHANGED_ITEMS.set(len(self._items))

    def _read(self) -> bool:
        """Read and apply changes; return whether there are more.

        The log has all changes that the indexes lack.  It is read at the start and after an
        outage, which may have lost the end of the list.

        Raises:
            RedisError: the features cannot be read.
        """
        recoveries = self.changes.recoveries
        if self._last is None or recoveries != self._recoveries:
            last = self.changes.changes_after(None).last
            first_seen_at = self.log.items_after(self._part)
            self._update([*first_seen_at], first_seen_at)
            self._last, self._recoveries = last, recoveries
            return True
        listed = self.changes.changes_after(self._last)
        if listed.is_complete:
            self._update(listed.item_ids, {})
        self._last = listed.last if listed.is_complete else None
        return listed.has_more or not listed.is_complete

    def _update(self, item_ids: Sequence[str], first_seen_at: Mapping[str, int]) -> None:
        """Read the newest fields of items, and apply those that the indexes lack."""
        changed: dict[str, _Item] = {}
        for start in range(0, len(item_ids), _STEP):
            step = item_ids[start : start + _STEP]
            for item_id, state in zip(step, self.changes.item_states(step), strict=True):
                if state is None or state.part <= self._part:
                    continue
                if self._has_room(item_id, len(changed)):
                    changed[item_id] = self._item(item_id, state, first_seen_at)
        self._items |= changed
        self._apply(changed)

    def _item(self, item_id: str, state: ItemState, first_seen_at: Mapping[str, int]) -> _Item:
        before = self._items.get(item_id)
        instants = [
            before.first_seen_at if before else None,
            first_seen_at.get(item_id),
            state.changed_at,
        ]
        return _Item(state, min((at for at in instants if at is not None), default=0))

    def _has_room(self, item_id: str, pending: int) -> bool:
        if item_id in self._items or len(self._items) + pending < MOST_CHANGES:
            return True
        if not self._is_full_logged:
            _logger.warning(
                "%d items changed since the last refresh; lists show further changes after the "
                "next one: run `aisle refresh` more often.",
                MOST_CHANGES,
            )
            self._is_full_logged = True
        return False

    def _apply(self, items: Mapping[str, _Item]) -> None:
        """Give changed items to every index that follows them."""
        if not items:
            return
        changes = ItemChanges.of(
            self._indexes[ITEM_TABLE],
            {item_id: item.state.fields for item_id, item in items.items()},
            {item_id: item.first_seen_at for item_id, item in items.items()},
        )
        if not _are_of_one_fit(self._published):
            # The item table may have changes that another index lacks.
            changes = replace(changes, old=[None] * len(changes.item_ids))
        indexes = {kind: _followed(kind, one, changes) for kind, one in self._indexes.items()}
        self._indexes = self.models.live_indexes = indexes
        CHANGED_ITEMS.set(len(self._items))


def _followed(kind: str, index: Any, changes: ItemChanges) -> Any:
    follow = index_specs()[kind].follow
    assert follow is not None
    try:
        return follow(index, changes)
    except Exception:
        # One broken index, perhaps of a shop's package, must not stop the others.
        _logger.exception("The index %s cannot follow changes of items.", kind)
        return index


def _part_of(loaded: LoadedArtifact) -> int | None:
    """Return the part of the newest item event of an index; None for one of an old version."""
    part = loaded.manifest.parents.get(ITEM_PART)
    return None if part is None else int(part)


def _versions(published: Mapping[str, LoadedArtifact]) -> dict[str, str]:
    return {kind: loaded.version for kind, loaded in published.items()}


def _are_of_one_fit(published: Mapping[str, LoadedArtifact]) -> bool:
    """Whether all indexes were fitted by the same refresh."""
    inputs = [sorted(loaded.manifest.parents.items()) for loaded in published.values()]
    return all(one == inputs[0] for one in inputs)
