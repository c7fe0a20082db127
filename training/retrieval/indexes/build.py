"""Fit and publish every index of a home: what serving finds candidates with.

Cheap beside training: `aisle index` and every refresh of the indices run the same function.
"""

import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from feature_repo.home import ArtifactError, Home
from training.artifacts import current, prune, publish, verify
from training.dataset import compacted
from training.query_understanding import (
    DEFAULT_LANGUAGE,
    INTENTS,
    Intent,
    Spelling,
    Understanding,
    language_of,
    words,
)
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes.actions import run
from training.retrieval.indexes.charts import TopLists
from training.retrieval.indexes.completions import LEAST_SHOPPERS, Completions
from training.retrieval.indexes.covisitation import fit_together
from training.retrieval.indexes.item_to_item import fit_similar
from training.retrieval.indexes.lexical import TEXTUAL, Lexical

ITEM_TABLE, LEXICAL, UNDERSTANDING = "assortment", "lexical", "understanding"
POPULAR, TRENDING, NEWEST = "popular", "trending", "newest"
TOGETHER, SIMILAR, COMPLETIONS = "together", "similar", "completions"
KINDS = (
    *(ITEM_TABLE, LEXICAL, UNDERSTANDING, POPULAR, TRENDING),
    *(NEWEST, TOGETHER, SIMILAR, COMPLETIONS),
)
_READ = ("item", "ranking", "interaction")

KEPT = 3
"""Versions that stay of each: a process may be loading the last but one."""

_QUERIES = """
select
    query,
    sum(gain) as weight,
    count(*) as clicks,
    count(distinct coalesce(user_id, session_id)) as shoppers

from actions
where query is not null
group by query
order by query
"""
_CLICKED = (
    "select query, item_id, count(*) as clicks from actions where query is not null group by all"
)
_MARKETS = "select distinct market from actions order by market"


class Index(Protocol):
    """What can be published."""

    def save(self, folder: Path) -> None:
        """Write it into a build folder."""


@dataclass(frozen=True)
class IndexReport:
    """What was published.

    Attributes:
        items: for sale.
        versions: by kind.
        seconds: wall time by kind.
    """

    items: int
    versions: dict[str, str]
    seconds: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def publish_indexes(
    home: Home, *, name: str = "default", only_changed: bool = False
) -> IndexReport:
    """Fit every index on the compacted log and the item features, and publish it.

    Args:
        home: whose log, and where to.
        name: of the indices.
        only_changed: leave the likeness of items, which costs most by far, where no item's texts
            changed since.

    Serving swaps each when its link moves; until all have moved it asks some old and some new.
    """
    log, item_table = _log_of(home), ItemTable.fit(home)
    queries = run(home, _QUERIES)
    languages = _languages(home)
    fits: dict[str, Callable[[], Index]] = {
        ITEM_TABLE: lambda: item_table,
        LEXICAL: lambda: Lexical.fit(item_table, languages),
        UNDERSTANDING: lambda: fit_understanding(home, item_table, queries),
        POPULAR: lambda: TopLists.popular(home, item_table),
        TRENDING: lambda: TopLists.trending(home, item_table),
        NEWEST: lambda: TopLists.newest(home, item_table),
        TOGETHER: lambda: fit_together(home),
        SIMILAR: lambda: fit_similar(item_table),
        COMPLETIONS: lambda: fit_completions(item_table, queries),
    }
    versions, seconds = {}, {}
    texts = _texts_of(item_table)
    if only_changed and _told_by(home, SIMILAR, name).get("texts_sha256") == texts:
        versions[SIMILAR] = current(home, SIMILAR, name).name
        del fits[SIMILAR]
    parents = {"log_sha256": log, "texts_sha256": texts}
    for kind, fit in fits.items():
        began = time.monotonic()
        versions[kind] = _publish(home, kind, name, fit(), parents)
        seconds[kind] = round(time.monotonic() - began, 2)
    return IndexReport(len(item_table.item_ids), versions, seconds)


def fit_understanding(home: Home, item_table: ItemTable, queries: pa.Table) -> Understanding:
    """Learn spelling and intents from the catalogue and from clicked queries.

    Args:
        home: whose log tells what was clicked after which query.
        assortment: its items.
        queries: query, clicks.
    """
    clicked = dict(zip(queries["query"].to_pylist(), queries["clicks"].to_pylist(), strict=True))
    fields = [f for f in item_table.shop.item_fields if f.role in ("title", *INTENTS)]
    columns = [item_table.texts(field) for field in fields]
    texts = [" ".join(row) for row in zip(*columns, strict=True)]
    return Understanding(Spelling.fit(texts, clicked), _intents(home, item_table))


def fit_completions(item_table: ItemTable, queries: pa.Table) -> Completions:
    """Queries by label gain, above them nothing; then categories and brands by items; titles."""
    asked = [
        (row["query"], "query", 1.0 + float(row["weight"]))
        for row in queries.to_pylist()
        if row["shoppers"] >= LEAST_SHOPPERS
    ]
    named = [
        (value, role, min(1.0 + count / 1000, 2.0))
        for role in INTENTS
        if (field := item_table.shop.item_role(role)) is not None  # type: ignore[arg-type]
        for value, count in _counts(item_table, field)
    ]
    title = item_table.shop.item_role("title")
    titles = [(text, "title", 0.5) for text in (item_table.texts(title) if title else []) if text]
    return Completions.fit([*asked, *named, *titles])


def _intents(home: Home, item_table: ItemTable) -> dict[str, Intent]:
    clicks = run(home, _CLICKED).to_pylist()
    row = item_table.row
    intents = {}
    for role in INTENTS:
        field = item_table.shop.item_role(role)  # type: ignore[arg-type]
        if field is None:
            continue
        values = item_table.table[field.column].to_pylist()
        told = [
            (" ".join(words(click["query"])), value, float(click["clicks"]))
            for click in clicks
            if click["item_id"] in row
            for value in _values(values[row[click["item_id"]]])
        ]
        intents[role] = Intent.fit(told, item_table.coded(field).values)
    return intents


def _values(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


def _counts(item_table: ItemTable, field: Any) -> list[tuple[str, int]]:
    import numpy as np

    coded = item_table.coded(field)
    counts = coded.counts(np.ones(len(item_table.item_ids), dtype=np.bool_))
    return list(zip(coded.values, counts.tolist(), strict=True))


def _languages(home: Home) -> list[str]:
    markets = run(home, _MARKETS)["market"].to_pylist()
    return sorted({DEFAULT_LANGUAGE, *map(language_of, markets)})


def are_current(home: Home, *, name: str = "default") -> bool:
    """Whether every index is intact, and was fitted on the compacted log as it is now."""
    log = _log_of(home)
    told = {kind: _told_by(home, kind, name) for kind in KINDS}
    return all(
        parents.get("log_sha256") == log or (parents and kind == SIMILAR)
        for kind, parents in told.items()
    )


def _told_by(home: Home, kind: str, name: str) -> dict[str, str]:
    """What an index says it was fitted on; nothing where it is absent or damaged."""
    try:
        return verify(current(home, kind, name)).parents
    except ArtifactError:
        return {}


def _texts_of(item_table: ItemTable) -> str:
    """Hash of what tells items from one another: ids, texts, categories and lists."""
    fields = [f.column for f in item_table.shop.item_fields if f.type in TEXTUAL]
    rows = item_table.table.select(["item_id", *fields]).to_pylist()
    return hashlib.sha256(msgspec.json.encode(rows)).hexdigest()


def _log_of(home: Home) -> str:
    """Hash of the state of the compacted log's files of items and actions, and of the shop's."""
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
    prune(home, kind, name, KEPT)
    return version
