"""Lexical retrieval: BM25 over the title and over all of an item's texts, by tantivy.

A word scores in the field that matches better, plus a share of the other field.  Each language of
the shop's markets has an index of the texts that these markets show.

The score of a word does not depend on the other words of a query.  So tantivy computes the scores
once, when the index is fitted, and a search adds them up: Lù, "BM25S: Orders of magnitude faster
lexical search via eager sparse scoring", 2024.

Texts that change later are scored with the statistics of the fitted texts, as BM25 does.
"""

import json
import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tantivy

from feature_repo.home import ArtifactError
from training.query_understanding import Alternative, Concept, stem
from training.retrieval.catalogue import ItemChanges, ItemTable, RankedList, Rows
from training.retrieval.indexes.bm25 import TIE_BREAKER, Bm25, Text, Weights
from training.retrieval.indexes.changed_texts import ChangedTexts
from training.retrieval.indexes.item_ids import is_plain, rows_by_id
from training.retrieval.indexes.item_texts import (
    code_fields,
    has_title,
    indexed_stems,
    item_texts,
    text_choices,
    text_of,
)
from training.retrieval.indexes.matches import MOST_CONCEPTS, MOST_HITS, Matches

TITLE, ALL = "title", "all"

OPTIONAL = np.float32(0.05)
"""Weight of stop words, which decide between items that are equal otherwise."""

ID_SCORE = 20.0
"""Score of an item whose id was typed: more than that of a word."""

_HEAP_BYTES = 100_000_000
_IDS, _POSTINGS, _STATISTICS = "items.json", "postings.parquet", "statistics.json"
_ABSENT = (0, 0, 0)
_NO_ROWS: Rows = np.empty(0, np.int64)
_NO_SCORES: Weights = np.empty(0, np.float32)


@dataclass(frozen=True)
class Lexical:
    """An index over N items.

    Attributes:
        postings: word, each once; rows, ascending, of the items that have it; its score in each;
            titled, the number of items that have it in the title.
        item_ids: N ids, sorted.
        bm25: statistics of the texts.
        language: of the texts.
        changes: of texts since the index was fitted.
    """

    postings: pa.Table
    item_ids: Sequence[str]
    bm25: Bm25
    language: str
    changes: ChangedTexts = field(default_factory=ChangedTexts)

    @classmethod
    def fit(cls, item_table: ItemTable, language: str) -> "Lexical":
        """Index the items, with one thread and one segment."""
        stems = [0, 0]
        with TemporaryDirectory(prefix="aisle-lexical-") as folder:
            index = tantivy.Index(_schema(), path=folder)
            writer = index.writer(_HEAP_BYTES, 1)
            for row, (title, rest) in enumerate(item_texts(item_table, language)):
                indexed = indexed_stems(title, rest, language)
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
            return cls(_postings(index), item_ids, bm25, language)

    def with_changes(self, changes: ItemChanges) -> "Lexical":
        """Return the index with the new texts of changed items, scored as the fitted ones."""
        choices = text_choices(changes.after.shop, self.language)
        titled = has_title(changes.after.shop)
        codes = [field.column for field in code_fields(changes.after.shop)]
        texts = {
            item_id: text
            for item_id, old, new in changes
            if (text := text_of(new, choices, titled, codes))
            != text_of(old, choices, titled, codes)
        }
        if not texts:
            return self
        changed = self.changes.with_items([*texts], self.item_ids)
        positions = [self._position(item_id, changed) for item_id in texts]
        stems: list[Text] = [
            ((), ()) if text is None else indexed_stems(*text, self.language)
            for text in texts.values()
        ]
        scored = self.bm25.scores(stems, self._item_counts)
        return replace(self, changes=changed.with_words(positions, scored))

    def search(
        self, query_words: Sequence[str], *, size: int = MOST_HITS, at_least: int = 1
    ) -> RankedList:
        """Return the items that have at least so many of the words, by BM25; ties by position.

        Args:
            query_words: folded words, as `words` returns them.
            size: the maximum number of items.
            at_least: minimum number of distinct words: 1 for any, their number for all.
        """
        distinct = {self._stem(word): word for word in query_words}
        concepts = [Concept((Alternative((word,)),)) for word in distinct.values()]
        matches = self.match(concepts)
        matches = matches.select(matches.counts >= min(at_least, len(matches.informativeness)))
        positions, scores = matches.best(size)
        item_ids = [*self.item_ids, *self.changes.added_ids]
        return RankedList([item_ids[position] for position in positions.tolist()], scores.tolist())

    def match(self, concepts: Sequence[Concept]) -> Matches:
        """Return all items that have any of the concepts."""
        size = len(self.item_ids)
        scores = np.zeros(size + len(self.changes.added_ids), np.float32)
        masks = np.zeros(scores.size, np.uint32)
        informativeness = []
        for n, concept in enumerate(concepts[:MOST_CONCEPTS]):
            rows, weights = self._rows_of(concept)
            if concept.is_optional:
                weights = weights * OPTIONAL
            scores[rows] += weights
            masks[rows] |= np.uint32(1 << n)
            rarity = math.log(1 + (scores.size + 1) / (rows.size + 1))
            is_required = not (concept.is_optional or concept.is_preferred)
            informativeness.append(rarity if is_required else 0.0)
        positions = self.changes.sorted_by_id(np.flatnonzero(masks), size)
        return Matches(positions, scores[positions], masks[positions], informativeness)

    def positions_of(self, concept: Concept) -> Rows:
        """Return the positions of the items that have a concept."""
        return self._rows_of(concept)[0]

    def _rows_of(self, concept: Concept) -> tuple[Rows, Weights]:
        """Return the positions of the items that have a concept, and the score of each."""
        own = self._stem(concept.word)
        lists = [self._term(own)]
        for alternative in concept.alternatives[1:]:
            lists += self._weighted(alternative, own)
        for alternative in concept.alternatives:
            if len(alternative.words) == 1 and not alternative.is_compound:
                rows = self._with_id(alternative.words[0])
                lists.append((rows, np.full(rows.size, ID_SCORE * alternative.weight, np.float32)))
        lists = [one for one in lists if one[0].size]
        if len(lists) < 2:
            return lists[0] if lists else (_NO_ROWS, _NO_SCORES)
        rows = np.concatenate([rows for rows, _ in lists])
        scores = np.concatenate([scores for _, scores in lists])
        order = np.lexsort((-scores, rows))
        rows, scores = rows[order], scores[order]
        first = np.ones(rows.size, dtype=np.bool_)
        first[1:] = rows[1:] != rows[:-1]
        return rows[first], scores[first]

    def _weighted(self, alternative: Alternative, own: str) -> list[tuple[Rows, Weights]]:
        """Return the items with all words of an alternative to a word, if there are any."""
        terms = [self._stem(word) for word in alternative.words]
        if not all(map(self._has, terms)):
            return []
        rows, scores = self._term(terms[0])
        for term in terms[1:]:
            others, more = self._term(term)
            rows, these, those = np.intersect1d(
                rows, others, assume_unique=True, return_indices=True
            )
            scores = scores[these] + more[those]
        weight = alternative.weight
        if alternative.is_compound and self._has(own):
            weight *= min(self._rarity(own) / self._rarity(terms[0]), 1.0)
        return [(rows, scores * np.float32(weight))]

    def _rarity(self, term: str) -> float:
        start, end, _ = self._span.get(term, _ABSENT)
        return math.log(1 + (len(self.item_ids) + 1) / (end - start + 1))

    def _with_id(self, form: str) -> Rows:
        """Return the positions of the items whose id has a form; see `rows_by_id`."""
        rows = [*self._rows_by_id.get(form, ()), *self.changes.rows_by_id.get(form, ())]
        position = bisect_left(self.item_ids, form)
        if self.item_ids[position : position + 1] == [form] and is_plain(form):
            rows.append(position)
        return np.array(rows, np.int64) if rows else _NO_ROWS

    def _stem(self, word: str) -> str:
        return stem(word, self.language)

    def _has(self, term: str) -> bool:
        return term in self._span or term in self.changes.postings

    def _term(self, term: str) -> tuple[Rows, Weights]:
        """Return the positions of the items with a term, and its score in each."""
        start, end, _ = self._span.get(term, _ABSENT)
        rows, scores = self._rows[start:end], self._scores[start:end]
        if not self.changes.words:
            return rows, scores
        current = ~self.changes.is_changed[rows]
        more_rows, more = self.changes.postings.get(term, (_NO_ROWS, _NO_SCORES))
        return np.concatenate([rows[current], more_rows]), np.concatenate([scores[current], more])

    def save(self, folder: Path) -> None:
        """Write the index into a build folder, without later changes."""
        pq.write_table(self.postings, folder / _POSTINGS)
        (folder / _IDS).write_text(json.dumps(list(self.item_ids)))
        statistics = {"bm25": asdict(self.bm25), "language": self.language}
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
            bm25, language = Bm25(**statistics["bm25"]), str(statistics["language"])
            names = ["word", "rows", "scores", "titled"]
            postings = pq.read_table(folder / _POSTINGS, columns=names).select(names)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise ArtifactError(
                f"{folder}: expected a lexical index: {error}; run `aisle index`."
            ) from None
        return cls(postings, item_ids, bm25, language)

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
    def _rows_by_id(self) -> dict[str, list[int]]:
        """Rows by the forms of the ids that have several."""
        rows = [n for n, item_id in enumerate(self.item_ids) if not is_plain(item_id)]
        return rows_by_id([self.item_ids[n] for n in rows], rows)

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
