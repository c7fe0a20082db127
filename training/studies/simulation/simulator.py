"""A shop with known truth, as event files: same arguments, same bytes.

The demo and the tests learn from it.  Beside the events lies the truth that no event tells: how
likely each shown item was looked at, and clicked once looked at.
"""

import os
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
"""Called with the days done and the days in all."""

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
    """Write the events to `out`, and the truth beside them; whole or not at all.

    A name that ends in .jsonl becomes one file of canonical JSON lines in time order, any other a
    folder with a folder of Parquet files for each day, from 2026-01-05 on, a day after the other
    in bounded memory.  `aisle ingest` takes both.

    Args:
        out: what to write; it is replaced where it is a file, and must not be there as a folder.
        users, items, days, seed: size and chance of a plain shop.
        config: everything else about the shop; then users, items and seed are its.
        progress: told after every day.

    Returns:
        `out`; its truth is at `truth_path(out)`.

    Raises:
        SettingError: no shop can be like that, or the folder is there already.
    """
    shop = Shop.draw(config or ShopConfig(users=users, items=items, seed=seed), days)
    write = _write_lines if out.suffix == LINES else _write_days
    with _replacing(out) as events, _replacing(truth_path(out)) as known:
        write(shop, events, known, progress or (lambda _done, _total: None))
    return out


def truth_path(events: Path) -> Path:
    """Where the truth lies: one row for each item of each slate, by position.

    A file beside a file of events, a folder of a file for each day beside a folder of events.
    """
    return events.with_suffix(".truth.parquet" if events.suffix == LINES else ".truth")


def _write_lines(shop: Shop, events: Path, known: Path, progress: Progress) -> None:
    happenings = ShopEvents(shop)
    with events.open("wb") as file, _Tables(known) as truth:
        for number in range(shop.days):
            lines = []
            for kind, table in happenings.on(number):
                if kind == TRUTH:
                    truth.write(table)
                else:
                    lines += _lines(kind, table)
            file.writelines(line for _, _, line in sorted(lines))
            progress(number + 1, shop.days)


def _write_days(shop: Shop, events: Path, known: Path, progress: Progress) -> None:
    happenings = ShopEvents(shop)
    known.mkdir()
    for number in range(shop.days):
        date = f"{to_datetime(day_start(number)):%Y-%m-%d}"
        folder = events / date
        folder.mkdir(parents=True)
        paths = {TRUTH: known / f"{date}.parquet"}
        open_tables: dict[str, _Tables] = {}
        for kind, table in happenings.on(number):
            tables = open_tables.get(kind)
            if tables is None:
                tables = open_tables[kind] = _Tables(paths.get(kind, folder / f"{kind}.parquet"))
            tables.write(table)
        for tables in open_tables.values():
            tables.close()
        progress(number + 1, shop.days)


class _Tables:
    """A Parquet file written table by table; it is not there before the first row is."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> "_Tables":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        if self._writer is None:
            # Most columns hardly repeat: dictionaries would take twice the time for no gain.
            self._writer = pq.ParquetWriter(
                self._path, table.schema, compression="lz4", use_dictionary=False
            )
        self._writer.write_table(table)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _lines(kind: str, table: pa.Table) -> list[tuple[int, str, bytes]]:
    """Rows as JSON lines, each after what it is sorted by."""
    for name in {"event_time", "received_at"} & set(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(name).cast(pa.int64()))
    encode = msgspec.json.Encoder().encode
    lines = []
    for row in table.to_pylist():
        if "fields" in row:
            row["fields"] = msgspec.Raw(row["fields"].encode())
        told = {name: value for name, value in row.items() if value is not None}
        line = encode({"kind": kind, **told}) + b"\n"
        lines.append((row["event_time"], row["event_id"], line))
    return lines


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give another name to write to, which becomes `path` at the end, if all went well."""
    if path.is_dir():
        raise SettingError(f"{path} is there already; remove the folder, or name another one.")
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
        unfinished.unlink(missing_ok=True)
