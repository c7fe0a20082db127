"""Lexical retrieval: BM25 over the title and over all of an item's texts, by tantivy.

A word scores in the field that matches better, plus a share of the other field.  Texts are stemmed
in every language of the shop, queries in the language of their market.

The score of a word does not depend on the other words of a query.  So tantivy computes the scores
once, when the index is fitted, and a search adds them up: Lù, "BM25S: Orders of magnitude faster
lexical search via eager sparse scoring", 2024.
"""

import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tantivy

from feature_repo.home import ArtifactError
from training.query_understanding import stem, words
from training.retrieval.catalogue import ItemTable, RankedList, Rows, highest

TITLE, ALL = "title", "all"

TIE_BREAKER = 0.3
"""Weight of a word's scores in the other fields, as in `dis_max` queries of Elasticsearch."""

TEXT_TYPES = ("text", "category", "list")
MOST_HITS = 10_000
MOST_WORDS = 32
_HEAP_BYTES = 100_000_000
_IDS, _POSTINGS = "items.json", "postings.parquet"

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Matches:
    """The M items that have at least one of W words.

    Attributes:
        positions: shape (M,), ascending, among the items of the index.
        scores: shape (M,), BM25.
        counts: shape (M,), number of distinct words that each item has.
        words: W.
    """

    positions: Rows
    scores: Weights
    counts: npt.NDArray[np.uint8]
    words: int

    def with_words(self, at_least: int, size: int = MOST_HITS) -> "Matches":
        """Select the `size` best items that have at least so many of the words, or all words."""
        selected = np.flatnonzero(self.counts >= min(at_least, self.words))
        if selected.size > size:
            selected = selected[np.sort(highest(self.scores[selected], size))]
        return Matches(
            self.positions[selected], self.scores[selected], self.counts[selected], self.words
        )


@dataclass(frozen=True)
class Lexical:
    """An index over N items.

    Attributes:
        postings: word, each once; rows, ascending, of the items that have it; its score in each.
        item_ids: N ids.
    """

    postings: pa.Table
    item_ids: Sequence[str]

    @classmethod
    def fit(cls, item_table: ItemTable, languages: Iterable[str]) -> "Lexical":
        """Index the items, with one thread and one segment."""
        sorted_languages = sorted(set(languages))
        with TemporaryDirectory(prefix="aisle-lexical-") as folder:
            index = tantivy.Index(_schema(), path=folder)
            writer = index.writer(_HEAP_BYTES, 1)
            for row, (title, rest) in enumerate(_texts(item_table)):
                titled = _indexed(title, sorted_languages)
                document = tantivy.Document()
                document.add_unsigned("row", row)
                document.add_text(TITLE, " ".join(titled))
                document.add_text(ALL, " ".join([*titled, *_indexed(rest, sorted_languages)]))
                writer.add_document(document)
            writer.commit()
            writer.wait_merging_threads()
            index.reload()
            return cls(_postings(index), item_table.item_ids)

    def search(
        self, query_words: Sequence[str], language: str, *, size: int = MOST_HITS, at_least: int = 1
    ) -> RankedList:
        """Return the items that have at least so many of the words, by BM25; ties by position.

        Args:
            query_words: folded words, as `words` returns them.
            language: of their stems.
            size: the maximum number of items.
            at_least: minimum number of distinct words: 1 for any, their number for all.
        """
        matches = self.match(query_words, language).with_words(at_least, size)
        best = highest(matches.scores, size)
        positions, scores = matches.positions[best].tolist(), matches.scores[best].tolist()
        return RankedList([self.item_ids[position] for position in positions], scores)

    def match(self, query_words: Sequence[str], language: str) -> Matches:
        """Return all items that have any of the words; parameters as in `search`."""
        distinct = list(dict.fromkeys(stem(word, language) for word in query_words))[:MOST_WORDS]
        scores = np.zeros(len(self.item_ids), np.float32)
        counts = np.zeros(len(self.item_ids), np.uint8)
        for word in distinct:
            start, end = self._span.get(word, (0, 0))
            rows = self._rows[start:end]
            scores[rows] += self._scores[start:end]
            counts[rows] += 1
        positions = np.flatnonzero(counts > 0)
        return Matches(positions, scores[positions], counts[positions], len(distinct))

    def save(self, folder: Path) -> None:
        """Write the index into a build folder."""
        pq.write_table(self.postings, folder / _POSTINGS)
        (folder / _IDS).write_text(json.dumps(list(self.item_ids)))

    @classmethod
    def load(cls, folder: Path) -> "Lexical":
        """Read an index.

        Raises:
            ArtifactError: absent or damaged.
        """
        try:
            item_ids = json.loads((folder / _IDS).read_text())
            postings = pq.read_table(folder / _POSTINGS, columns=["word", "rows", "scores"])
        except (OSError, ValueError, pa.ArrowException) as error:
            raise ArtifactError(f"{folder}: expected a lexical index: {error}.") from None
        return cls(postings, item_ids)

    @cached_property
    def _rows(self) -> Rows:
        rows: Rows = _end_to_end(self.postings["rows"]).to_numpy().astype(np.int64)
        return rows

    @cached_property
    def _scores(self) -> Weights:
        scores: Weights = _end_to_end(self.postings["scores"]).to_numpy()
        return scores

    @cached_property
    def _span(self) -> dict[str, tuple[int, int]]:
        """Start and end of each word's rows in the flat arrays."""
        ends = np.cumsum(pc.list_value_length(self.postings["rows"]).to_numpy()).tolist()
        spans = zip([0, *ends], ends, strict=False)
        return dict(zip(self.postings["word"].to_pylist(), spans, strict=True))


def _end_to_end(lists: pa.ChunkedArray) -> pa.Array:
    return pc.list_flatten(lists).combine_chunks()


def _postings(index: Any) -> pa.Table:
    """Compute with tantivy the score of each word in each item that has it."""
    schema, searcher, rows, scores = index.schema, index.searcher(), array("i"), array("f")
    counted = searcher.terms_with_prefix(ALL, "")
    for word, count in counted:
        hits = searcher.search(_word(schema, word), count, count=False).hits
        positions = searcher.fast_field_values("row", [address for _, address in hits])
        for row, (score, _) in sorted(zip(positions, hits, strict=True), key=itemgetter(0)):
            rows.append(row)
            scores.append(score)
    ends = pa.array(np.cumsum([0, *(count for _, count in counted)]), pa.int32())
    return pa.table(
        {
            "word": pa.array([word for word, _ in counted], pa.string()),
            "rows": pa.ListArray.from_arrays(ends, pa.array(np.asarray(rows))),
            "scores": pa.ListArray.from_arrays(ends, pa.array(np.asarray(scores))),
        }
    )


def _word(schema: Any, word: str) -> Any:
    fields = [tantivy.Query.term_query(schema, name, word, "freq") for name in (TITLE, ALL)]
    return tantivy.Query.disjunction_max_query(fields, TIE_BREAKER)


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in (TITLE, ALL):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("row", fast=True)
    return builder.build()


def _texts(item_table: ItemTable) -> list[tuple[str, str]]:
    """Return each item's title, and its other texts, categories and lists."""
    fields = [f for f in item_table.shop.item_fields if f.type in TEXT_TYPES and f.role != TITLE]
    others = [item_table.texts(field) for field in fields]
    rest = (
        [" ".join(texts) for texts in zip(*others, strict=True)]
        if others
        else [""] * len(item_table.item_ids)
    )
    return list(zip(item_table.titles, rest, strict=True))


def _indexed(text: str, languages: Sequence[str]) -> list[str]:
    """Return the stems of each word in each language; equal stems of a word once."""
    return [s for word in words(text) for s in dict.fromkeys(stem(word, n) for n in languages)]
