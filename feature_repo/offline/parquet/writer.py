"""Write rows to a Parquet file, or to a folder as one more file.

Every file is written under a temporary name, synced and renamed, so that no reader sees, and no
crash leaves, a partial file.
"""

import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq


@dataclass(frozen=True)
class ParquetTarget:
    """The path of a Parquet file or of a folder of them."""

    path: str
    filesystem: pafs.FileSystem

    @property
    def is_file(self) -> bool:
        """Whether the path is a file: it exists as one, or ends in .parquet."""
        info = self.filesystem.get_file_info(self.path)
        return bool(info.is_file) or (not self._is_folder(info) and self.path.endswith(".parquet"))

    def write(self, tables: Iterable[pa.Table], allow_overwrite: bool = False) -> None:
        """Write the rows, replacing any existing ones.

        Raises:
            SavedDatasetLocationAlreadyExists: the path exists and `allow_overwrite` is false.
        """
        info = self.filesystem.get_file_info(self.path)
        if info.type != pafs.FileType.NotFound and not allow_overwrite:
            from feast.errors import SavedDatasetLocationAlreadyExists

            raise SavedDatasetLocationAlreadyExists(location=self.path)
        if self.is_file:
            self._put(self.path, tables)
            return
        stale = [] if info.type == pafs.FileType.NotFound else self._files()
        self._put(self._fresh(), tables)
        for path in stale:
            self.filesystem.delete_file(path)

    def append(self, tables: Iterable[pa.Table]) -> None:
        """Add rows: write one more file to a folder, or copy a file row group by row group."""
        if not self.is_file:
            self._put(self._fresh(), tables)
        elif self.filesystem.get_file_info(self.path).is_file:
            self._put(self.path, self._with(tables))
        else:
            self._put(self.path, tables)

    def _with(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        with pq.ParquetFile(self.path, filesystem=self.filesystem) as before:
            for number in range(before.num_row_groups):
                yield before.read_row_group(number)
            for table in tables:
                yield table.cast(before.schema_arrow)

    def _put(self, path: str, tables: Iterable[pa.Table]) -> None:
        folder, _, name = path.rpartition("/")
        self.filesystem.create_dir(folder, recursive=True)
        fresh = f"{folder}/.{name}.{uuid.uuid4().hex}.new"
        try:
            self._fill(fresh, tables)
            self.filesystem.move(fresh, path)
        except BaseException:
            if self.filesystem.get_file_info(fresh).is_file:
                self.filesystem.delete_file(fresh)
            raise

    def _fill(self, path: str, tables: Iterable[pa.Table]) -> None:
        with self.filesystem.open_output_stream(path) as stream:
            writer: pq.ParquetWriter | None = None
            for table in tables:
                writer = writer or pq.ParquetWriter(stream, table.schema)
                writer.write_table(table.cast(writer.schema))
            if writer is not None:
                writer.close()
        if isinstance(self.filesystem, pafs.LocalFileSystem):
            with Path(path).open("rb+") as written:
                os.fsync(written.fileno())

    def _fresh(self) -> str:
        return f"{self.path.rstrip('/')}/{uuid.uuid4().hex}.parquet"

    def _files(self) -> list[str]:
        inside = self.filesystem.get_file_info(pafs.FileSelector(self.path, recursive=True))
        return [info.path for info in inside if info.is_file and info.path.endswith(".parquet")]

    @staticmethod
    def _is_folder(info: pafs.FileInfo) -> bool:
        return bool(info.type == pafs.FileType.Directory)
