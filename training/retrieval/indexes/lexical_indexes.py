"""The lexical indexes of a shop, one for each language of its markets."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from feature_repo.home import ArtifactError
from training.retrieval.catalogue import ItemChanges, ItemTable
from training.retrieval.indexes.lexical import Lexical

_LANGUAGES = "languages.json"


@dataclass(frozen=True)
class LexicalIndexes:
    """One index a language, all over the same items.

    Attributes:
        by_language: at least one.
    """

    by_language: Mapping[str, Lexical]

    @classmethod
    def fit(cls, item_table: ItemTable, languages: Iterable[str]) -> "LexicalIndexes":
        """Index the items in each language."""
        return cls({language: Lexical.fit(item_table, language) for language in languages})

    def of(self, language: str) -> Lexical:
        """Return the index of a language; of a language without an index, the first one."""
        return self.by_language.get(language) or next(iter(self.by_language.values()))

    def with_changes(self, changes: ItemChanges) -> "LexicalIndexes":
        """Return the indexes with the new texts of changed items."""
        followed = {name: one.with_changes(changes) for name, one in self.by_language.items()}
        return LexicalIndexes(followed)

    def save(self, folder: Path) -> None:
        """Write the indexes into a build folder."""
        (folder / _LANGUAGES).write_text(json.dumps([*self.by_language]))
        for language, index in self.by_language.items():
            (folder / language).mkdir(parents=True)
            index.save(folder / language)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndexes":
        """Read the indexes.

        Raises:
            ArtifactError: absent or damaged.
        """
        try:
            languages = json.loads((folder / _LANGUAGES).read_text())
        except (OSError, ValueError) as error:
            raise ArtifactError(
                f"{folder}: expected the languages of an index: {error}; run `aisle index`."
            ) from None
        return cls({language: Lexical.load(folder / language) for language in languages})
