"""The strings in Redis of one entity, derived from the views of its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import LiveKeys
from feature_repo.views import CounterView, LiveOwner, LiveValues, ViewSpec


@dataclass(frozen=True)
class Strings:
    """The strings of one entity, by view; a view without a string is absent."""

    tiles: Mapping[str, bytes | None]
    patches: Mapping[str, bytes | None]
    rows: Mapping[str, bytes | None]


NO_STRINGS = Strings({}, {}, {})


class EntityStrings:
    """Names the strings of an entity and their order: tiles, then live values, then rows."""

    def __init__(self, specs: Sequence[ViewSpec]) -> None:
        """Take the views of one kind of entity."""
        self.counters = tuple(spec for spec in specs if isinstance(spec, CounterView))
        self.live = tuple(spec for spec in specs if isinstance(spec.live, (LiveOwner, LiveValues)))
        self.stored = tuple(spec for spec in specs if not isinstance(spec, CounterView))
        self._tiles = tuple(spec.name for spec in self.counters)
        self._patches = tuple(spec.name for spec in self.live)
        self._rows = tuple(spec.name for spec in self.stored)
        self._live_keys = tuple(spec.live_key for spec in self.live)

    @property
    def size(self) -> int:
        """The number of strings of an entity."""
        return len(self._tiles) + len(self._patches) + len(self._rows)

    def keys(self, live: LiveKeys, rows: StoredRows, entity: str) -> list[bytes]:
        """Return the keys of an entity's strings."""
        id_, prefixes = entity.encode(), _live_prefixes(live, self._tiles, self._live_keys)
        return [*[prefix + id_ for prefix in prefixes], *rows.keys([entity], *self._rows)]

    def split(self, strings: Sequence[bytes | None]) -> Strings:
        """Assign the strings of an entity, in the order of its keys, to their views."""
        tiles, patches = len(self._tiles), len(self._tiles) + len(self._patches)
        return Strings(
            dict(zip(self._tiles, strings[:tiles], strict=True)),
            dict(zip(self._patches, strings[tiles:patches], strict=True)),
            dict(zip(self._rows, strings[patches:], strict=True)),
        )


@cache
def _live_prefixes(
    live: LiveKeys, views: Sequence[str], live_keys: Sequence[str]
) -> Sequence[bytes]:
    """Return the prefixes of the keys of tiles, then of live values."""
    prefixes = [live.tile(view, "") for view in views]
    prefixes += [live.values(key, "") for key in live_keys]
    return [prefix.encode() for prefix in prefixes]
