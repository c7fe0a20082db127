"""The texts of items, as the markets of one language read them."""

import re
from collections.abc import Iterator, Sequence

from feature_repo.shop import FieldType, Shop, ShopField
from training.query_understanding import indexed_words, stem, words
from training.retrieval.catalogue import Fields, ItemTable, as_text

TEXT_TYPES: tuple[FieldType, ...] = ("text", "category", "list")
_NOT_SEARCHED = ("market", "group", "image")
LEAST_CODE, MOST_CODE = 10_000_000, 100_000_000_000_000
_CODE_DIGITS = 8, 12, 13, 14
"""Lengths of an EAN, UPC or GTIN."""

LEAST_CODE_DIGITS = min(_CODE_DIGITS)
_CODE = re.compile(r"\s*\d[\d -]{6,20}[\dxX]\s*")

Choices = Sequence[Sequence[ShopField]]
"""For each text of an item, its fields in the order of preference; the title's first."""


def text_choices(shop: Shop, language: str) -> Choices:
    """Return the fields of the texts; the first has the title, if the shop has one."""
    choices = shop.choices(language, *TEXT_TYPES)
    return [fields for fields in choices if fields[0].role not in _NOT_SEARCHED]


def has_title(shop: Shop) -> bool:
    """Whether the first text is a title."""
    title = shop.item_role("title")
    return title is not None and title.type in TEXT_TYPES


def item_texts(item_table: ItemTable, language: str) -> Iterator[tuple[str, str]]:
    """Yield the title of each fitted item, and its other texts, categories and lists."""
    choices = text_choices(item_table.shop, language)
    columns = [[item_table.texts(field) for field in fields] for fields in choices]
    columns += [[_codes(item_table, field)] for field in code_fields(item_table.shop)]
    titled = has_title(item_table.shop)
    for row in range(item_table.table.num_rows):
        texts = [next((t for c in of if (t := c[row])), "") for of in columns]
        yield _title_and_rest(texts, titled)


def text_of(
    item: Fields | None, choices: Choices, titled: bool, codes: Sequence[str] = ()
) -> tuple[str, str] | None:
    """Return an item's texts as `item_texts` does; None for an item that is not for sale.

    Args:
        item: its fields by column.
        choices: of `text_choices`.
        titled: whether the first text is the title.
        codes: columns of the numbers that may name an item.
    """
    if item is None:
        return None
    texts = [
        next((text for field in fields if (text := as_text(item.get(field.column)))), "")
        for fields in choices
    ]
    texts += [code_text(item.get(column)) for column in codes]
    return _title_and_rest(texts, titled)


def code_fields(shop: Shop) -> list[ShopField]:
    """Return the number fields that may name an item: those without a role."""
    return [field for field in shop.items_of("number") if field.role is None]


def code_text(number: float | None) -> str:
    """Return a number of at least eight digits as it may be typed: an EAN, with its zeros.

    >>> code_text(12345678905.0), code_text(39.0)
    ('12345678905 012345678905 0012345678905 00012345678905', '')
    """
    if number is None or not number >= LEAST_CODE or number >= MOST_CODE or number % 1:
        return ""
    digits = str(int(number))
    return " ".join(dict.fromkeys([digits, *(digits.zfill(size) for size in _CODE_DIGITS)]))


def typed_codes(shop: Shop, item: Fields) -> list[str]:
    """Return the codes of an item as they may be typed: numbers, and texts of digits (an EAN).

    Args:
        shop: its fields without a role may have codes.
        item: its fields by column.
    """
    numbers = [code_text(item.get(field.column)) for field in code_fields(shop)]
    texts = [
        word
        for field in shop.items_of("text", "category")
        if field.role is None and _CODE.fullmatch(text := as_text(item.get(field.column)))
        for word in words(text)
        if LEAST_CODE_DIGITS <= len(word) <= max(_CODE_DIGITS)
    ]
    return [*(code for of in numbers for code in of.split()), *texts]


def _codes(item_table: ItemTable, field: ShopField) -> list[str]:
    return [*map(code_text, item_table.table[field.column].to_pylist())]


def indexed_stems(title: str, rest: str, language: str) -> tuple[list[str], list[str]]:
    """Return the stems of the title, and of all texts."""
    of_title = [stem(word, language) for word in indexed_words(title)]
    return of_title, [*of_title, *(stem(word, language) for word in indexed_words(rest))]


def _title_and_rest(texts: Sequence[str], titled: bool) -> tuple[str, str]:
    return (texts[0], " ".join(texts[1:])) if titled else ("", " ".join(texts))
