"""The Online Retail table, read once for all tests and workers of a run."""

import json
import os
from collections import Counter
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from feature_repo.events.contract import parse_canonical
from feature_repo.events.ingest import TableMapping
from feature_repo.events.ingest.transaction_files import TransactionFiles
from feature_repo.events.log import to_table
from feature_repo.events.log.partitions import relation_path
from feature_repo.home import CHECKOUT, Home

TABLE = Path(os.environ.get("AISLE_DATA", "../shared/data")) / "online_retail/transactions.parquet"
MAPPING = CHECKOUT / "feature_repo/events/ingest/mappings/online_retail.toml"
EXCLUDED = "excluded.json"

needs_online_retail = pytest.mark.skipif(
    not TABLE.exists(), reason=f"{TABLE} is missing; see AISLE_DATA"
)


def read_online_retail(home: Home) -> None:
    """Write the interactions of the table as a compacted log, each received at its event time.

    `excluded.json` has the number of the other lines by the column that excludes them.
    """
    excluded: Counter[str] = Counter()
    events = []
    for line in TransactionFiles([TABLE], TableMapping.load(MAPPING)):
        if line.raw is None:
            excluded[line.error.field] += 1
        elif line.raw["kind"] == "interaction":
            event = parse_canonical(line.raw)
            events.append(msgspec.structs.replace(event, received_at=event.event_time))
    path = relation_path(home.log / "compacted", "interaction", day=0, part=0)
    path.parent.mkdir(parents=True)
    pq.write_table(to_table("interaction", events, lambda _: 0), path)
    (home.root / EXCLUDED).write_text(json.dumps(excluded))
