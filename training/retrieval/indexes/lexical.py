"""Lexical retrieval: BM25 over the title and over all of an item's texts, by tantivy.

A word scores in the field that matches better, plus a share of the other field.  Texts are stemmed
in every language of the shop, queries in the language of their market.

The score of a word does not depend on the other words of a query.  So tantivy computes the scores
once, when the index is fitted, and a search adds them up: Lù, "BM25S: Orders of magnitude faster
lexical search via eager sparse scoring", 2024.

Texts that change later are scored with the statistics of the fitted texts, as BM25 does.
"""

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
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
from feature_repo.shop import Shop, ShopField
from training.query_understanding import stem, words
from training.retrieval.catalogue import (
    Fields,
    ItemChanges,
    ItemTable,
    RankedList,
    Rows,
    as_text,
    highest,
)
from training.retrieval.indexes.bm25 import TIE_BREAKER, Bm25, Text, Weights
from training.retrieval.indexes.changed_texts import ChangedTexts

TITLE, ALL = "title", "all"

TEXT_TYPES = ("text", "category", "list")
MOST_HITS = 10_000
MOST_WORDS = 32
_HEAP_BYTES = 100_000_000
_IDS, _POSTINGS, _STATISTICS = "items.json", "postings.parquet", "statistics.json"
_ABSENT = (0, 0, 0)


@dataclass(frozen=True)
class Matches:
    """The M items that have at least one of W words.

    Attributes:
        positions: shape (M,), among the items of the index, in the order of the items' ids.
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
        postings: word, each once; rows, ascending, of the items that have it; its score in each;
            titled, the number of items that have it in the title.
        item_ids: N ids, sorted.
        bm25: statistics of the texts.
        languages: of the stems.
        changes: of texts since the index was fitted.
    """

    postings: pa.Table
    item_ids: Sequence[str]
    bm25: Bm25
    languages: Sequence[str]
    changes: ChangedTexts = field(default_factory=ChangedTexts)

    @classmethod
    def fit(cls, item_table: ItemTable, languages: Iterable[str]) -> "Lexical":
        """Index the items, with one thread and one segment."""
        sorted_languages, stems = sorted(set(languages)), [0, 0]
        with TemporaryDirectory(prefix="aisle-lexical-") as folder:
            index = tantivy.Index(_schema(), path=folder)
            writer = index.writer(_HEAP_BYTES, 1)
            for row, (title, rest) in enumerate(_texts(item_table)):
                indexed = _indexed(title, rest, sorted_languages)
                document = tantivy.Document()
                document.add_unsigned("row", row)
                for n, (name, words_of) in enumerate(zip((TITLE, ALL), indexed, strict=True)):
                    document.add_text(name, " ".join(words_of))
                    stems[n] += len(words_of)
                writer.add_document(document)
            writer.commit()
            writer.wait_merging_threads()
            index.reload()
            item_ids = item_table.item_ids
            bm25 = Bm25.of(len(item_ids), *stems)
            return cls(_postings(index), item_ids, bm25, sorted_languages)

    def with_changes(self, changes: ItemChanges) -> "Lexical":
        """Return the index with the new texts of changed items, scored as the fitted ones."""
        fields = _text_fields(changes.after.shop)
        texts = {
            item_id: text
            for item_id, old, new in changes
            if (text := _text_of(new, fields)) != _text_of(old, fields)
        }
        if not texts:
            return self
        changed = self.changes.with_items([*texts], self.item_ids)
        positions = [self._position(item_id, changed) for item_id in texts]
        stems: list[Text] = [
            ((), ()) if text is None else _indexed(*text, self.languages) for text in texts.values()
        ]
        scored = self.bm25.scores(stems, self._item_counts)
        return replace(self, changes=changed.with_words(positions, scored))

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
        item_ids = (
            [*self.item_ids, *self.changes.added_ids] if self.changes.added_ids else self.item_ids
        )
        return RankedList([item_ids[position] for position in positions], scores)

    def match(self, query_words: Sequence[str], language: str) -> Matches:
        """Return all items that have any of the words; parameters as in `search`."""
        distinct = list(dict.fromkeys(stem(word, language) for word in query_words))[:MOST_WORDS]
        size = len(self.item_ids)
        scores = np.zeros(size + len(self.changes.added_ids), np.float32)
        counts = np.zeros(scores.size, np.uint8)
        for word in distinct:
            start, end, _ = self._span.get(word, _ABSENT)
            rows = self._rows[start:end]
            scores[rows] += self._scores[start:end]
            counts[rows] += 1
        self._match_changes(distinct, scores, counts)
        positions = self.changes.sorted_by_id(np.flatnonzero(counts > 0), size)
        return Matches(positions, scores[positions], counts[positions], len(distinct))

    def _match_changes(
        self, distinct: Sequence[str], scores: Weights, counts: npt.NDArray[np.uint8]
    ) -> None:
        """Replace the scores and counts of changed items by those of their new texts."""
        scores[self.changes.changed] = 0
        counts[self.changes.changed] = 0
        for word in distinct:
            if word in self.changes.postings:
                rows, weights = self.changes.postings[word]
                scores[rows] += weights
                counts[rows] += 1

    def save(self, folder: Path) -> None:
        """Write the index into a build folder, without later changes."""
        pq.write_table(self.postings, folder / _POSTINGS)
        (folder / _IDS).write_text(json.dumps(list(self.item_ids)))
        statistics = {"bm25": asdict(self.bm25), "languages": list(self.languages)}
        (folder / _STATISTICS).write_text(json.dumps(statistics))

    @classmethod
    def load(cls, folder: Path) -> "Lexical":
        """Read an index.

        Raises:
            ArtifactError: absent or damaged.
        """
        try:
            item_ids = json.loads((folder / _IDS).read_text())
            statistics = json.loads((folder / _STATISTICS).read_text())
            bm25, languages = Bm25(**statistics["bm25"]), statistics["languages"]
            names = ["word", "rows", "scores", "titled"]
            postings = pq.read_table(folder / _POSTINGS, columns=names).select(names)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise ArtifactError(
                f"{folder}: expected a lexical index: {error}; run `aisle index`."
            ) from None
        return cls(postings, item_ids, bm25, languages)

    def _position(self, item_id: str, changed: ChangedTexts) -> int:
        position = changed.positions.get(item_id)
        return bisect_left(self.item_ids, item_id) if position is None else position

    def _item_counts(self, word: str) -> tuple[int, int]:
        """Return the number of fitted items that have a stem in the title, and in any text."""
        start, end, titled = self._span.get(word, _ABSENT)
        return titled, end - start

    @cached_property
    def _rows(self) -> Rows:
        rows: Rows = _end_to_end(self.postings["rows"]).to_numpy().astype(np.int64)
        return rows

    @cached_property
    def _scores(self) -> Weights:
        scores: Weights = _end_to_end(self.postings["scores"]).to_numpy()
        return scores

    @cached_property
    def _span(self) -> dict[str, tuple[int, int, int]]:
        """Start and end of each word's rows in the flat arrays, and its number of titles."""
        ends = np.cumsum(pc.list_value_length(self.postings["rows"]).to_numpy()).tolist()
        spans = zip([0, *ends], ends, self.postings["titled"].to_pylist(), strict=False)
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
    titled = dict(searcher.terms_with_prefix(TITLE, ""))
    ends = pa.array(np.cumsum([0, *(count for _, count in counted)]), pa.int32())
    return pa.table(
        {
            "word": pa.array([word for word, _ in counted], pa.string()),
            "rows": pa.ListArray.from_arrays(ends, pa.array(np.asarray(rows))),
            "scores": pa.ListArray.from_arrays(ends, pa.array(np.asarray(scores))),
            "titled": pa.array([titled.get(word, 0) for word, _ in counted], pa.int32()),
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


def _text_fields(shop: Shop) -> tuple[ShopField | None, list[ShopField]]:
    """Return the title, and the other fields with words."""
    others = [f for f in shop.item_fields if f.type in TEXT_TYPES and f.role != TITLE]
    return shop.item_role("title"), others


def _texts(item_table: ItemTable) -> list[tuple[str, str]]:
    """Return each item's title, and its other texts, categories and lists."""
    _, fields = _text_fields(item_table.shop)
    others = [item_table.texts(field) for field in fields]
    rest = (
        [" ".join(texts) for texts in zip(*others, strict=True)]
        if others
        else [""] * len(item_table.item_ids)
    )
    return list(zip(item_table.titles, rest, strict=True))


def _text_of(
    item: Fields | None, fields: tuple[ShopField | None, Sequence[ShopField]]
) -> tuple[str, str] | None:
    """Return an item's texts as `_texts` does; None for an item that is not for sale."""
    if item is None:
        return None
    title, others = fields
    rest = " ".join(as_text(item.get(field.column)) for field in others)
    return "" if title is None else as_text(item.get(title.column)), rest


def _indexed(title: str, rest: str, languages: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the stems of the title, and of all texts."""
    titled = _stems(title, languages)
    return titled, [*titled, *_stems(rest, languages)]


def _stems(text: str, languages: Sequence[str]) -> list[str]:
    """Return the stems of each word in each language; equal stems of a word once."""
    return [s for word in words(text) for s in dict.fromkeys(stem(word, n) for n in languages)]
