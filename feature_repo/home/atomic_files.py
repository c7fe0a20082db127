"""Write files atomically and durably: after a power cut each is complete or absent."""

import fcntl
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TEMPORARY = ".tmp"

_CHECKSUM = b"crc32 "


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `target` atomically and durably when the block ends.

    If the block raises, `target` does not change. The temporary file of a killed process ends in
    `.tmp`; `sweep` deletes it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}{TEMPORARY}")
    try:
        yield temporary
        publish(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def publish(temporary: Path, target: Path) -> None:
    """Move a complete temporary file to its target, durably."""
    fd = os.open(temporary, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(target)
    sync_folder(target.parent)


def create_once(path: Path, content: bytes) -> None:
    """Write a small file unless it exists; concurrent callers agree on the first one's content."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}{TEMPORARY}")
    try:
        with own.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(own, path)
        sync_folder(path.parent)
    except FileExistsError:
        pass
    finally:
        own.unlink(missing_ok=True)


def with_checksum(text: str) -> bytes:
    """Return the content of a small text file: a line with the checksum of the rest, then it."""
    rest = text.encode("ascii")
    return b"%s%08x\n%s" % (_CHECKSUM, zlib.crc32(rest), rest)


def checked_text(content: bytes) -> str:
    """Return the text of a file; one that a person wrote may have no line with a checksum.

    Raises:
        ValueError: the content changed.
    """
    if not content:
        raise ValueError("it is empty")
    first, _, rest = content.partition(b"\n")
    if not first.startswith(_CHECKSUM):
        return content.decode("ascii")
    if first != _CHECKSUM + b"%08x" % zlib.crc32(rest):
        raise ValueError("its checksum is of another text")
    return rest.decode("ascii")


def checksum(path: Path) -> int:
    """Return the CRC-32 of a file: it shows accidental changes, not deliberate ones."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def sync_folder(folder: Path) -> None:
    """Make the file names of a folder durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sweep(folder: Path) -> None:
    """Delete temporary files of killed processes below `folder`.

    The caller holds the lock of their writers.
    """
    for path in folder.rglob(f"*{TEMPORARY}"):
        path.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Wait for an advisory lock on `path` and hold it; the end of the process releases it.

    Raises:
        BlockingIOError: another one holds it, and `wait` is not set.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        yield
