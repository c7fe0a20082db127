"""The declaration of one format of catalogues or orders."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from feature_repo.events.catalogues.amounts import decimal_separator, with_plain_numbers
from feature_repo.events.catalogues.column_names import Names, Raw, names_of, renamed
from feature_repo.events.contract import AnyEvent
from feature_repo.home import EventError


class Row(NamedTuple):
    """One row of a file.

    Attributes:
        number: of its line.
        raw: its values by the names of their columns.
        warning: what the shop should look at.
    """

    number: int
    raw: Raw
    warning: EventError | None = None


Rows = Callable[[], Iterator[Row]]
"""Reads the rows of a file from the beginning."""


@dataclass(frozen=True)
class SourceFile:
    """What a format may need of the file, besides its rows.

    Attributes:
        at: its instant, µs.
        others: reads the rows of the other files of the same run in the format of a name.
    """

    at: int
    others: Callable[[str], Iterator[Row]]


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """One format of products or orders.

    Attributes:
        name: in lower case with underscores; part of the ids of its events.
        description: one sentence for senders.
        recognizes: returns whether an object or row is written in this format; reads keys only.
        parse: returns the events of an object or of a prepared row. It raises EventError if the
            object is bad.
        unwrap: returns the objects inside one, such as the products of a graph; None if there are
            never any.
        spellings: of the names that `parse` reads.
        amounts: names whose texts are numbers; those of a file decide its decimal separator.
        prepare: completes the rows of a file with what other rows say.
    """

    name: str
    description: str
    recognizes: Callable[[Raw], bool]
    parse: Callable[[Raw], Sequence[AnyEvent]]
    unwrap: Callable[[Raw], Sequence[Raw]] | None = None
    spellings: Names = ()
    amounts: Sequence[str] = ()
    prepare: Callable[[Rows, SourceFile], Iterable[Row]] = field(default=lambda rows, _: rows())

    def rows(self, rows: Rows, file: SourceFile) -> Iterator[Row]:
        """Yield the rows of a file as `parse` reads them; `rows` reads it more than once.

        Rows lack the columns that are empty in all of them.
        """
        used: set[str] = set()
        decimal = decimal_separator(self._amounts(rows, used))

        def plain() -> Iterator[Row]:
            for number, raw, warning in rows():
                named = renamed(raw, self.spellings)
                filled = {name: value for name, value in named.items() if name in used}
                yield Row(number, with_plain_numbers(filled, self.amounts, decimal), warning)

        yield from self.prepare(plain, file)

    def _amounts(self, rows: Rows, used: set[str]) -> Iterator[str]:
        """Yield the texts of amounts; add the names of columns with any value to `used`."""
        for row in rows():
            for name, value in renamed(row.raw, self.spellings).items():
                if value not in (None, ""):
                    used.add(name)
                    if name in self.amounts and isinstance(value, str):
                        yield value


def has_names(
    raw: Raw,
    spellings: Names,
    required: Iterable[str],
    *,
    any_of: int = 0,
    others: Iterable[str] = (),
) -> bool:
    """Return whether an object has all required names, and at least `any_of` of the others."""
    present = names_of(raw, spellings)
    return present.issuperset(required) and len(present.intersection(others)) >= any_of
