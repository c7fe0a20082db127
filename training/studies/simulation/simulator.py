"""Write the events of a simulated shop to files: equal arguments give equal bytes.

The demo and the tests train on them.  A second output has the hidden truth of each impression: the
probability that it is examined, and that it is clicked if examined.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.home import SettingError, to_datetime
from training.studies.simulation.calendar import day_start
from training.studies.simulation.configuration import ShopConfig
from training.studies.simulation.shop import Shop
from training.studies.simulation.shop_events import TRUTH, ShopEvents

Progress = Callable[[int, int | None], None]
"""Called after each day with the number of finished days and of all days."""

LINES = ".jsonl"


def simulate(
    out: Path,
    *,
    users: int = 400,
    items: int = 400,
    days: int = 21,
    seed: int = 7,
    config: ShopConfig | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the events to `out` and the truth to `truth_path(out)`; on failure, write neither.

    A path that ends in .jsonl becomes one file of canonical JSON lines in time order.  Any other
    path becomes a folder with one folder of Parquet files per day, from 2026-01-05 on; days are
    written one after another in bounded memory.  `aisle ingest` reads both.

    Args:
        out: the file or folder; an existing file is replaced, an existing folder is an error.
        users, items, days, seed: size and seed of a shop with default settings.
        config: all settings of the shop; overrides users, items and seed.
        progress: called after each day.

    Returns:
        `out`.

    Raises:
        SettingError: a setting is invalid, or the folder exists.
    """
    shop = Shop.draw(config or ShopConfig(users=users, items=items, seed=seed), days)
    write = _write_lines if out.suffix == LINES else _write_days
    with _replacing(out) as events, _replacing(truth_path(out)) as truth:
        write(shop, events, truth, progress or (lambda _done, _total: None))
    return out


def truth_path(events: Path) -> Path:
    """Return the path of the truth, which has one row per impression, by position.

    It is a file next to a file of events, or a folder of daily files next to a folder of events.
    """
    return events.with_suffix(".truth.parquet" if events.suffix == LINES else ".truth")


def _write_lines(shop: Shop, events: Path, truth: Path, progress: Progress) -> None:
    shop_events = ShopEvents(shop)
    with events.open("wb") as file, _TableWriter(truth) as truth_writer:
        for number in range(shop.days):
            lines = []
            for kind, table in shop_events.of_day(number):
                if kind == TRUTH:
                    truth_writer.write(table)
                else:
                    lines += _lines(kind, table)
            file.writelines(line for _, _, line in sorted(lines))
            progress(number + 1, shop.days)


def _write_days(shop: Shop, events: Path, truth: Path, progress: Progress) -> None:
    shop_events = ShopEvents(shop)
    truth.mkdir()
    for number in range(shop.days):
        date = f"{to_datetime(day_start(number)):%Y-%m-%d}"
        folder = events / date
        folder.mkdir(parents=True)
        paths = {TRUTH: truth / f"{date}.parquet"}
        writers: dict[str, _TableWriter] = {}
        for kind, table in shop_events.of_day(number):
            writer = writers.get(kind)
            if writer is None:
                path = paths.get(kind, folder / f"{kind}.parquet")
                writer = writers[kind] = _TableWriter(path)
            writer.write(table)
        for writer in writers.values():
            writer.close()
        progress(number + 1, shop.days)


class _TableWriter:
    """A Parquet file written table by table; created with its first row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> "_TableWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        if self._writer is None:
            # Values rarely repeat in most columns: dictionaries would only double the time.
            self._writer = pq.ParquetWriter(
                self._path, table.schema, compression="lz4", use_dictionary=False
            )
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _lines(kind: str, table: pa.Table) -> list[tuple[int, str, bytes]]:
    """Return the rows as (event time, event id, JSON line), to be sorted."""
    for name in {"event_time", "received_at"} & set(table.column_names):
        position = table.column_names.index(name)
        table = table.set_column(position, name, table.column(name).cast(pa.int64()))
    encode = msgspec.json.Encoder().encode
    lines = []
    for row in table.to_pylist():
        if "fields" in row:
            row["fields"] = msgspec.Raw(row["fields"].encode())
        fields = {name: value for name, value in row.items() if value is not None}
        line = encode({"kind": kind, **fields}) + b"\n"
        lines.append((row["event_time"], row["event_id"], line))
    return lines


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path, and rename it to `path` if the block succeeds."""
    if path.is_dir():
        raise SettingError(f"{path} exists already; remove the folder, or name another one.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        temporary.unlink(missing_ok=True)
