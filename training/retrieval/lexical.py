"""Lexical retrieval: BM25 over the title and over all of an item's texts, by tantivy.

A word scores by the field it fits better, plus a share of the other.  Texts are stemmed in every
language of the shop, queries in their market's.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

import numpy as np
import tantivy

from feature_repo.errors import ArtifactError
from training.query_understanding.words import stem, words
from training.retrieval.assortment import Assortment
from training.retrieval.found import Found, Rows, Scores

TITLE, ALL = "title", "all"

TIE_BREAKER = 0.3
"""Share of a word's scores in the fields it fits less, as in `dis_max` queries elsewhere."""

TEXTUAL = ("text", "category", "list")
MOST_HITS = 10_000
MOST_WORDS = 32
_HEAP_BYTES = 100_000_000
_IDS, _INDEX = "items.json", "index"


@dataclass(frozen=True)
class Lexical:
    """An index over N items.

    Attributes:
        index: of tantivy; field `row` is an item's place.
        item_ids: N ids.
        folder: where the index lies; one that was fitted goes with its last user.
    """

    index: Any
    item_ids: Sequence[str]
    folder: Path

    @classmethod
    def fit(cls, assortment: Assortment, languages: Iterable[str]) -> "Lexical":
        """Index the items, one thread and one segment."""
        folder = Path(mkdtemp(prefix="aisle-lexical-"))
        index = tantivy.Index(_schema(), path=str(folder))
        writer = index.writer(_HEAP_BYTES, 1)
        spoken = sorted(set(languages))
        for row, (title, rest) in enumerate(_texts(assortment)):
            titled = _indexed(title, spoken)
            document = tantivy.Document()
            document.add_unsigned("row", row)
            document.add_text(TITLE, " ".join(titled))
            document.add_text(ALL, " ".join([*titled, *_indexed(rest, spoken)]))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        lexical = cls(index, assortment.item_ids, folder)
        finalize(lexical, shutil.rmtree, folder, ignore_errors=True)
        return lexical

    def search(
        self, asked: Sequence[str], language: str, *, size: int = MOST_HITS, at_least: int = 1
    ) -> Found:
        """The items that have at least so many of the words, by BM25; as `places` is asked."""
        places, scores = self.places(asked, language, size=size, at_least=at_least)
        return Found([self.item_ids[place] for place in places.tolist()], scores.tolist())

    def places(
        self, asked: Sequence[str], language: str, *, size: int = MOST_HITS, at_least: int = 1
    ) -> tuple[Rows, Scores]:
        """Places among the N of the M best items, and their scores, shape (M,) each.

        Args:
            asked: folded words, as `words` gives them.
            language: in which they are stemmed.
            size: the most items.
            at_least: of the distinct words, 1 for any, their number for all.
        """
        distinct = list(dict.fromkeys(stem(word, language) for word in asked))[:MOST_WORDS]
        if not distinct:
            return np.empty(0, np.int64), np.empty(0)
        each = [(tantivy.Occur.Should, self._word(word)) for word in distinct]
        query = tantivy.Query.boolean_query(each, min(at_least, len(distinct)))
        searcher = self.index.searcher()
        hits = searcher.search(query, size, count=False).hits
        if not hits:
            return np.empty(0, np.int64), np.empty(0)
        scores, addresses = zip(*hits, strict=True)
        rows = searcher.fast_field_values("row", list(addresses))
        return np.array(rows, np.int64), np.array(scores)

    def save(self, folder: Path) -> None:
        """Write the index into a build folder."""
        shutil.copytree(self.folder, folder / _INDEX)
        (folder / _IDS).write_text(json.dumps(list(self.item_ids)))

    @classmethod
    def load(cls, folder: Path) -> "Lexical":
        """Open an index.

        Raises:
            ArtifactError: absent or damaged.
        """
        try:
            item_ids = json.loads((folder / _IDS).read_text())
            index = tantivy.Index.open(str(folder / _INDEX))
        except (OSError, ValueError) as error:
            raise ArtifactError(f"{folder}: expected a lexical index: {error}.") from None
        return cls(index, item_ids, folder / _INDEX)

    def _word(self, word: str) -> Any:
        fields = [
            tantivy.Query.term_query(self.index.schema, name, word, "freq") for name in (TITLE, ALL)
        ]
        return tantivy.Query.disjunction_max_query(fields, TIE_BREAKER)


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    for name in (TITLE, ALL):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field("row", fast=True)
    return builder.build()


def _texts(assortment: Assortment) -> list[tuple[str, str]]:
    """Each item's title, and its other texts, categories and lists."""
    fields = [f for f in assortment.shop.item_fields if f.type in TEXTUAL and f.role != TITLE]
    others = [assortment.texts(field) for field in fields]
    rest = (
        [" ".join(texts) for texts in zip(*others, strict=True)]
        if others
        else [""] * len(assortment.item_ids)
    )
    return list(zip(assortment.titles, rest, strict=True))


def _indexed(text: str, languages: Sequence[str]) -> list[str]:
    """Each word in each language's stem; stems that are the same once."""
    return [s for word in words(text) for s in dict.fromkeys(stem(word, n) for n in languages)]
