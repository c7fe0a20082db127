"""The Parquet files of a source with their versions, so that no change to a file goes unnoticed.

A local file's version includes its inode and change time (ctime): the system sets ctime at every
write, even where a copy or `touch` resets the modification time.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow.fs as pafs

SETTLING_NS = 2_000_000_000
"""Two changes within one tick of a file system's clock look the same; the coarsest tick is 2 s."""


@dataclass(frozen=True)
class ParquetFile:
    """One version of a file."""

    path: str
    size: int
    modified_ns: int
    changed_ns: int = 0
    inode: tuple[int, int] = (0, 0)

    @classmethod
    def stat(cls, path: str, store: pafs.FileSystem) -> "ParquetFile | None":
        """Return the file's current version, None if there is no such file."""
        if not isinstance(store, pafs.LocalFileSystem):
            info = store.get_file_info(path)
            return cls(path, info.size or 0, info.mtime_ns or 0) if info.is_file else None
        try:
            stat = Path(path).stat()
        except FileNotFoundError:
            return None
        inode = stat.st_dev, stat.st_ino
        return cls(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, inode)

    def has_settled(self, now_ns: int) -> bool:
        """Whether the last change is so old that any later one changes the version."""
        return max(self.modified_ns, self.changed_ns) + SETTLING_NS <= now_ns


def list_files(path: str, store: pafs.FileSystem) -> tuple[ParquetFile, ...]:
    """List one file, the matches of a pattern, or every `*.parquet` below a folder, by name."""
    files = (ParquetFile.stat(name, store) for name in sorted(_names(path, store)))
    return tuple(file for file in files if file is not None)


def _names(path: str, store: pafs.FileSystem) -> list[str]:
    if any(sign in path for sign in "*?[") and isinstance(store, pafs.LocalFileSystem):
        anchor = Path(Path(path).anchor or ".")
        matches = anchor.glob(str(Path(path).relative_to(anchor)))
        return [str(match) for match in matches if match.is_file()]
    if store.get_file_info(path).is_file:
        return [path]
    inside = store.get_file_info(pafs.FileSelector(path, recursive=True, allow_not_found=True))
    return [info.path for info in inside if info.is_file and info.path.endswith(".parquet")]
