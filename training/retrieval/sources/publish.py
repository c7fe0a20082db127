"""Fit and publish every index of a home.

`aisle index` and every refresh run it; it costs little compared with training.
"""

import hashlib
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from feature_repo.home import ArtifactError, Home
from training.artifacts import current, prune, publish, verify
from training.dataset import compacted
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import TEXT_TYPES
from training.retrieval.sources.registry import index_specs
from training.retrieval.sources.spec import FitInputs, Index

_READ = ("item", "ranking", "interaction")

ITEM_PART = "item_part"
"""Parent of an index: the part of the newest item event that it includes."""

VERSIONS = 3
"""Versions that each index keeps: a process may be loading the last but one."""


@dataclass(frozen=True)
class IndexReport:
    """The published indexes.

    Attributes:
        items: number of items for sale.
        versions: by kind of index.
        seconds: wall time by kind of index.
    """

    items: int
    versions: dict[str, str]
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def publish_indexes(
    home: Home, *, name: str = "default", only_changed: bool = False
) -> IndexReport:
    """Fit every index on the compacted log and the item features, and publish it.

    Args:
        home: whose log is read, and where the indexes are published.
        name: of the indexes.
        only_changed: skip the indexes of texts, which cost most by far, if no text changed.

    Serving swaps each index when its link moves; meanwhile it reads some old and some new ones.
    """
    log, item_table = _hash_of_log(home), ItemTable.fit(home)
    inputs, texts = FitInputs(home, item_table), _hash_of_texts(item_table)
    parents = {"log_sha256": log, "texts_sha256": texts, ITEM_PART: _item_part(home)}
    versions, seconds = {}, {}
    for kind, spec in index_specs().items():
        may_skip = only_changed and spec.reads == "texts"
        if may_skip and _parents_of(home, kind, name).get("texts_sha256") == texts:
            versions[kind] = current(home, kind, name).name
            continue
        began = time.monotonic()
        versions[kind] = _publish(home, kind, name, spec.fit(inputs), parents)
        seconds[kind] = round(time.monotonic() - began, 2)
    return IndexReport(len(item_table.item_ids), versions, seconds)


def are_current(home: Home, *, name: str = "default") -> bool:
    """Whether every index is intact and was fitted on the current compacted log."""
    log = _hash_of_log(home)
    for kind, spec in index_specs().items():
        parents = _parents_of(home, kind, name)
        if not parents or (spec.reads == "log" and parents.get("log_sha256") != log):
            return False
    return True


def _parents_of(home: Home, kind: str, name: str) -> dict[str, str]:
    """Hashes of the inputs of an index; none if it is absent or damaged."""
    try:
        return verify(current(home, kind, name), kind, name).parents
    except ArtifactError:
        return {}


def _item_part(home: Home) -> str:
    files = [str(path) for path in (home.features / "item_attributes").rglob("*.parquet")]
    if not files:
        return "-1"
    sql = "select coalesce(max(part), -1) from read_parquet($files, union_by_name = true)"
    return str(duckdb.execute(sql, {"files": files}).fetchall()[0][0])


def _hash_of_texts(item_table: ItemTable) -> str:
    """Hash the ids, texts, categories and lists of all items."""
    fields = [f.column for f in item_table.shop.item_fields if f.type in TEXT_TYPES]
    rows = item_table.table.select(["item_id", *fields]).to_pylist()
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def _hash_of_log(home: Home) -> str:
    """Hash names, sizes and times of the compacted files of items and actions, and of the shop."""
    paths = [Path(path) for kind in _READ for path in compacted(home, kind)]
    digest = hashlib.sha256()
    for path in (path for path in (*paths, home.shop_toml) if path.exists()):
        state, name = path.stat(), path.relative_to(home.root)
        digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _publish(home: Home, kind: str, name: str, index: Index, parents: dict[str, str]) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        build = Path(scratch) / kind
        build.mkdir()
        index.save(build)
        version = publish(home, kind, name, build, {"parents": parents})
    prune(home, kind, name, VERSIONS)
    return version
