"""What is wrong with a file, or a line of it, that is not JSON: what it is, and what to do."""

import re

from feature_repo.events.contract import BYTE_ORDER_MARK
from feature_repo.home import EventError

_AS_UTF8 = "Save the file as UTF-8."
_UNPACK = "Unpack it."
_AS_TABLE = "Unpack an archive; save a sheet as CSV, and use --mapping (docs/transactions.md)."
_FORMATS = (
    (b"\xff\xfe\0\0", "UTF-32", _AS_UTF8),
    (b"\0\0\xfe\xff", "UTF-32", _AS_UTF8),
    (b"\xff\xfe", "UTF-16", _AS_UTF8),
    (b"\xfe\xff", "UTF-16", _AS_UTF8),
    (b"{\0", "UTF-16", _AS_UTF8),
    (b"\0{", "UTF-16", _AS_UTF8),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", _AS_TABLE),
    (b"\xd0\xcf\x11\xe0", "a document of old Office, such as .xls", _AS_TABLE),
    (b"\x28\xb5\x2f\xfd", "a file that zstd packed", _UNPACK),
    (b"BZh", "a file that bzip2 packed", _UNPACK),
    (b"\xfd7zXZ", "a file that xz packed", _UNPACK),
    (b"\x1f\x8b", "a file that gzip packed twice", _UNPACK),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or as lines of JSON."),
    (b"ORC", "an ORC file", "Write it as Parquet or as lines of JSON."),
)
"""First bytes of a file, what it is, and what to do."""

_NOT_A_NUMBER = re.compile(rb"[:,\[]\s*-?(NaN|Infinity|nan|inf)\b")
_ONE_OBJECT = "Write one JSON object a line; a table needs --mapping (docs/transactions.md)."


def check_format(beginning: bytes) -> None:
    """Check the first bytes of a file, unzipped.

    Raises:
        EventError: they begin a file of another format; as lines it would have many equal errors.
    """
    for first, name, hint in _FORMATS:
        if beginning.startswith(first):
            raise EventError("file", "lines of JSON in UTF-8, or Parquet", name, hint)


def line_hint(line: bytes) -> str:
    """Return what to do about a line that is not JSON.

    >>> line_hint(b'{"price": NaN}')
    'NaN and infinity are not JSON: send null.'
    """
    try:
        line.decode()
    except UnicodeDecodeError:
        return _AS_UTF8
    if _NOT_A_NUMBER.search(line):
        return "NaN and infinity are not JSON: send null."
    if line.rstrip().endswith((b"},", b"}]", b"}],")):
        return "Write one JSON object a line, without a comma after it."
    return _ONE_OBJECT


def without_mark(line: bytes) -> bytes:
    """Return a line without a byte order mark, which joined files have in their middle."""
    return line.removeprefix(BYTE_ORDER_MARK)
