"""The events of RankLens, a public log of rankings of films and their clicks."""

import gzip
import json
import os
from pathlib import Path

RANKLENS = Path(os.environ.get("AISLE_DATA", "../shared/data")) / "ranklens" / "events.jsonl.gz"


def events(rankings=None):
    """Return the item events, and the first slates, each a ranking and its interactions."""
    items, slates = [], {}
    with gzip.open(RANKLENS, "rt", encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["event"] == "item":
                items.append(event)
            elif event["event"] == "ranking":
                slates[event["id"]] = [event]
            else:
                slates[event["ranking"]].append(event)
    return items, list(slates.values())[:rankings]
