"""Evaluate retrieval methods on queries with human judgments; the baseline is BM25 over all text.

    aisle evaluate-retrieval FOLDER

The folder holds the Amazon shopping queries' products and human judgments (Reddy et al. 2022).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import tantivy
from rich import box
from rich.console import Console
from rich.table import Table

from feature_repo.home import DatasetError
from feature_repo.shop import DEFAULT_LANGUAGE, Market, Shop, ShopField
from training.metrics import Interval, mean_interval, ndcg
from training.query_understanding import Understanding, stems, words
from training.retrieval.catalogue import ItemTable, RankedList, fuse
from training.retrieval.indexes import Lexical, fit_similar
from training.retrieval.sources import fit_spelling
from training.studies.retrieval.lsa import Lsa
from training.studies.retrieval.relevance_feedback import FUSION_WEIGHTS, similar_to_hits

SHOP = Shop(
    "esci",
    (
        ShopField("title", "text", "title", "title"),
        ShopField("category", "list", "category", "category"),
        ShopField("brand", "category", "brand", "brand"),
        ShopField("color", "category", "color"),
        ShopField("bullet_points", "text", "bullet_points"),
        ShopField("description", "text", "description"),
    ),
)
DEPTH = 300
BASELINE = "bm25 over all text"
_SOURCES = ("lexical", "lsa", "similar")
"""Methods that are sources of the fused result."""

_SHOWN = {"ndcg": "ndcg@10", "recall": "recall@100"}
PROTOCOL = (
    "every query searches the whole corpus · nDCG@10: linear gain 1 exact, 0.1 substitute, 0.01 "
    "complement, 0 irrelevant or unjudged · recall@100: exact matches · queries without a gain, "
    "or without an exact match, have no such metric · weights were chosen on the development "
    "queries, those whose SHA-256 is even, and nothing on the others, which are the test"
)

Search = Callable[[str], RankedList]
Judgments = Mapping[str, tuple[float, bool]]
"""For one query: item → gain, and whether the item is an exact match."""


@dataclass(frozen=True)
class MethodFigures:
    """Figures of one retrieval method over Q queries of one split.

    Attributes:
        ndcg, recall: means, with 95 % intervals over queries.
        ndcg_gain, recall_gain: paired differences to the baseline.
        fused_ndcg_gain, fused_recall_gain: fused result minus this source; None for other methods.
    """

    name: str
    ndcg: Interval
    recall: Interval
    ndcg_gain: Interval
    recall_gain: Interval
    fused_ndcg_gain: Interval | None
    fused_recall_gain: Interval | None


@dataclass(frozen=True)
class Evaluation:
    """Figures of all methods.

    Attributes:
        queries: number of queries by split.
        items: number of items in the corpus.
        splits: figures of each method by split.
        fused: whether the fused result beats each source alone.
    """

    protocol: str
    items: int
    queries: dict[str, int]
    splits: dict[str, list[MethodFigures]]
    fused: bool

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
        return asdict(self)


def evaluate(folder: Path, served: Callable[[ItemTable], Mapping[str, Search]]) -> Evaluation:
    """Fit the indexes on the products and measure each retrieval method.

    Args:
        folder: with products and judgments.
        served: returns the searches of the service by name, measured with the other methods.

    Raises:
        DatasetError: the folder has no products and judgments.
    """
    item_table, judgments = read_products(folder), read_judgments(folder)
    methods = {**_methods(item_table), **served(item_table)}
    results = {name: {q: search(q) for q in judgments} for name, search in methods.items()}
    splits = {
        "test": [q for q in judgments if not is_development(q)],
        "development": [q for q in judgments if is_development(q)],
        "all": list(judgments),
    }
    measured = {
        split: _measure(
            {n: [of[q] for q in queries] for n, of in results.items()},
            [judgments[q] for q in queries],
        )
        for split, queries in splits.items()
    }
    return Evaluation(
        PROTOCOL,
        len(item_table.item_ids),
        {split: len(queries) for split, queries in splits.items()},
        measured,
        _is_better(measured["test"]),
    )


def is_development(query: str) -> bool:
    """Whether a query is a development query; only these may be used to choose weights."""
    return hashlib.sha256(query.encode()).digest()[-1] % 2 == 0


def read_products(folder: Path) -> ItemTable:
    """Read the corpus as the items of a shop.

    Raises:
        DatasetError: the file or one of its columns is missing.
    """
    try:
        rows = pq.read_table(folder / "products.parquet")
        named = {f.column: rows[f.column] for f in SHOP.item_fields}
        return ItemTable(pa.table({"item_id": rows["asin"], **named}), SHOP)
    except (OSError, KeyError) as error:
        raise DatasetError(
            f"{folder}: expected products.parquet with its fields: {error}."
        ) from None


def read_judgments(folder: Path) -> dict[str, dict[str, tuple[float, bool]]]:
    """Return query → item → gain, and whether the item is an exact match.

    Raises:
        DatasetError: the file or one of its columns is missing.
    """
    judgments: dict[str, dict[str, tuple[float, bool]]] = {}
    try:
        for row in pq.read_table(folder / "judgments.parquet").to_pylist():
            judgments.setdefault(row["query"], {})[row["asin"]] = (
                row["gain"],
                row["esci_label"] == "E",
            )
    except (OSError, KeyError) as error:
        raise DatasetError(
            f"{folder}: expected judgments.parquet with its fields: {error}."
        ) from None
    return judgments


def ndcg_of(results: RankedList, judgments: Judgments, k: int = 10) -> float:
    """Return nDCG of the first k results; NaN for a query without a gain."""
    ranked = list(results.item_ids[:k])
    blank = [0.0] * (k - len(ranked))
    left = [gain for item, (gain, _) in judgments.items() if item not in set(ranked)]
    gains = [*(judgments.get(item, (0.0, False))[0] for item in ranked), *blank, *left]
    scores = [-float(index) for index in range(len(gains))]
    return float(ndcg(scores, gains, [0] * len(gains), k)[0]) if gains else float("nan")


def recall_of(results: RankedList, judgments: Judgments, k: int = 100) -> float:
    """Return recall of the exact matches in the first k results; NaN for a query without any."""
    exact = {item for item, (_, is_exact) in judgments.items() if is_exact}
    return len(exact & set(results.item_ids[:k])) / len(exact) if exact else float("nan")


def print_evaluation(data: Mapping[str, Any], console: Console) -> None:
    """Print the protocol, then a table for each split and metric."""
    console.print(f"{data['items']} items; {data['protocol']}", markup=False)
    for split, rows in data["splits"].items():
        for metric in ("ndcg", "recall"):
            console.print(_table(f"{split}, {data['queries'][split]} queries", metric, rows))
    better = "yes" if data["fused"] else "no"
    console.print(f"Fused beats each source alone on the test queries: {better}.")


def _table(title: str, metric: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("", _SHOWN[metric], "less the baseline", "fused less it"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for row in rows:
        gains = _text_of(row[f"{metric}_gain"]), _text_of(row[f"fused_{metric}_gain"])
        table.add_row(row["name"], f"{row[metric]['value']:.4f}", *gains)
    return table


def _text_of(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return ""
    return f"{interval['value']:+.4f} [{interval['low']:+.4f}, {interval['high']:+.4f}]"


def _methods(item_table: ItemTable) -> dict[str, Search]:
    market = Market("default", DEFAULT_LANGUAGE)
    lexical = Lexical.fit(item_table, market.language)
    understanding = Understanding({market.language: fit_spelling(item_table, {}, market.language)})
    lsa, similar = Lsa.fit(item_table), fit_similar(item_table)

    def by_words(query: str) -> RankedList:
        return lexical.search(words(query), size=DEPTH)

    def by_query(query: str) -> RankedList:
        interpreted = understanding.apply(query, market, reads_prices=False)
        positions, scores = lexical.match(interpreted.concepts).best(DEPTH, by_coverage=True)
        ids = [item_table.item_ids[position] for position in positions.tolist()]
        return RankedList(ids, scores.tolist())

    def by_lsa(query: str) -> RankedList:
        return lsa.search(words(query), DEPTH)

    def by_similarity(query: str) -> RankedList:
        return similar_to_hits(by_words(query), similar, DEPTH)

    def fused(query: str) -> RankedList:
        sources = {name: search(query) for name, search in methods.items()}
        one = fuse(sources, FUSION_WEIGHTS, DEPTH)
        return RankedList(one.item_ids, one.scores)

    methods: dict[str, Search] = {"lexical": by_words, "lsa": by_lsa, "similar": by_similarity}
    baseline = _plain_bm25(item_table)
    return {BASELINE: baseline, "query": by_query, **methods, "fused": fused}


def _plain_bm25(item_table: ItemTable) -> Search:
    """Index every text of an item, stemmed, in one field; a query matches with any word."""
    schema = (
        tantivy.SchemaBuilder()
        .add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        .add_unsigned_field("row", fast=True)
        .build()
    )
    index = tantivy.Index(schema)
    writer = index.writer(100_000_000, 1)
    columns = [item_table.texts(field) for field in item_table.shop.item_fields]
    for row, texts in enumerate(zip(*columns, strict=True)):
        document = tantivy.Document()
        document.add_text("text", " ".join(stems(" ".join(texts), DEFAULT_LANGUAGE)))
        document.add_unsigned("row", row)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def search(query: str) -> RankedList:
        each = [
            (tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", word, "freq"))
            for word in dict.fromkeys(stems(query, DEFAULT_LANGUAGE))
        ]
        hits = searcher.search(tantivy.Query.boolean_query(each), DEPTH, count=False).hits
        rows = searcher.fast_field_values("row", [address for _, address in hits])
        return RankedList(
            [item_table.item_ids[int(r)] for r in rows if r is not None], [s for s, _ in hits]
        )

    return search


def _measure(
    results: Mapping[str, Sequence[RankedList]], judgments: Sequence[Judgments]
) -> list[MethodFigures]:
    clusters = np.arange(len(judgments))
    figures = {
        name: (
            np.array([ndcg_of(f, j) for f, j in zip(of, judgments, strict=True)]),
            np.array([recall_of(f, j) for f, j in zip(of, judgments, strict=True)]),
        )
        for name, of in results.items()
    }

    def interval(values: npt.NDArray[np.float64]) -> Interval:
        return mean_interval(values, clusters)

    def measured(name: str) -> MethodFigures:
        gain, recall = figures[name]
        is_source = name in _SOURCES
        return MethodFigures(
            name,
            interval(gain),
            interval(recall),
            interval(gain - figures[BASELINE][0]),
            interval(recall - figures[BASELINE][1]),
            interval(figures["fused"][0] - gain) if is_source else None,
            interval(figures["fused"][1] - recall) if is_source else None,
        )

    return [measured(name) for name in figures]


def _is_better(measured: Sequence[MethodFigures]) -> bool:
    """Whether the fused result is better than each source in one metric, and worse in none."""
    pairs = [
        (m.fused_ndcg_gain, m.fused_recall_gain)
        for m in measured
        if m.fused_ndcg_gain is not None and m.fused_recall_gain is not None
    ]
    return all((a.low > 0 or b.low > 0) and a.high >= 0 and b.high >= 0 for a, b in pairs)
