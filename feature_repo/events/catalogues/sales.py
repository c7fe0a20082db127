"""Which price counts on the day of a file: that of a sale, or the regular one."""

from collections.abc import Iterator

from feature_repo.events.catalogues.catalogue import Row, Rows, SourceFile
from feature_repo.home import EventError, parse_instant


def with_current_sales(
    rows: Rows, file: SourceFile, *, price: str, start: str, end: str = ""
) -> Iterator[Row]:
    """Yield rows without the sale prices of sales that ended, or did not begin yet.

    Args:
        rows: reads them.
        file: its instant is the day that counts.
        price: name of the sale price.
        start, end: names of the sale's first and last instant; without `end`, `start` is a range
            `<first>/<last>`. A time that cannot be read limits nothing.
    """
    for number, row, warning in rows():
        first, last = str(row.get(start) or ""), str(row.get(end) or "")
        if not end:
            first, _, last = first.partition("/")
        begins, ends = _instant(first), _instant(last)
        begins_later = begins is not None and file.at < begins
        is_over = begins_later or (ends is not None and file.at > ends)
        yield Row(number, {**row, price: None} if is_over and row.get(price) else row, warning)


def _instant(text: str) -> int | None:
    try:
        return parse_instant(text) if text.strip() else None
    except EventError:
        return None
