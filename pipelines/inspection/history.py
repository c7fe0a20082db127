"""How the features of one entity developed from day to day."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt

from feature_repo.home import DAY, Home, to_datetime, to_text
from feature_repo.shop import Shop
from feature_repo.views import NUMERIC, views_of
from pipelines.inspection.database import quoted_column, reading
from pipelines.inspection.entity import Subject

_DAYS = 30


@dataclass(frozen=True)
class History:
    """The values of a feature at the same time of the last days, as requests of then could read it.

    Attributes:
        feature: its full name.
        at: N days, the oldest first; from the first day with a value on.
        values: N, none missing.
    """

    feature: str
    unit: str
    at: list[str]
    values: list[float]

    @property
    def changes(self) -> int:
        """How often the value differs from that of the day before."""
        return int(np.count_nonzero(np.diff(self.values)))


def histories(home: Home, subject: Subject, t: int) -> list[History]:
    """Return the history of each feature with numbers that changed within the last days."""
    instants = np.array([t - number * DAY for number in range(_DAYS, -1, -1)])
    listed: list[History] = []
    shop = Shop.load(home.shop_toml)
    with reading() as db:
        for view in views_of(shop):
            if view.entity != subject.kind:
                continue
            fields = [field for field in view.fields_of(shop) if field.kind in NUMERIC]
            names = [field.name for field in fields]
            rows = _rows(db, home.features / view.name, view.key, names, subject.key, t)
            if rows is None:
                continue
            seen, values = rows
            newest = np.searchsorted(seen, instants, side="right") - 1
            for number, field in enumerate(fields):
                of_days = np.where(newest >= 0, values[number][newest], np.nan)
                present = np.isfinite(of_days)
                history = History(
                    f"{view.name}__{field.name}",
                    field.unit,
                    [to_text(int(at))[:10] for at in instants[present]],
                    of_days[present].tolist(),
                )
                if history.changes:
                    listed.append(history)
    return listed


def _rows(
    db: duckdb.DuckDBPyConnection,
    folder: Path,
    column: str,
    fields: list[str],
    key: str,
    t: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]] | None:
    """Return the instants of an entity's rows until t, shape (R,), and its fields, (F, R)."""
    paths = [str(path) for path in folder.glob("*.parquet")]
    if not paths or not fields:
        return None
    numbers = ", ".join(f"cast({quoted_column(name)} as double)" for name in fields)
    result = db.execute(
        f"select epoch_us(event_timestamp), {numbers} from read_parquet($paths) "
        f"where {column} = $key and event_timestamp <= $t order by event_timestamp",
        {"paths": paths, "key": key, "t": to_datetime(t)},
    ).fetchnumpy()
    seen, *columns = result.values()
    if not len(seen):
        return None
    values = [np.ma.filled(each, np.nan) for each in columns]
    return np.asarray(seen, np.int64), np.asarray(values, np.float64)
