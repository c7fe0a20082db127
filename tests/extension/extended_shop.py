"""A small shop with the package of docs/extending.md installed, from its events to verification.

    python -m tests.extension.extended_shop HOME

It runs in a separate process, because a process loads its extensions once.  It prints one JSON
object with the results of each part of the platform.
"""

import contextlib
import io
import json
import os
import sys
from pathlib import Path

import pyarrow.parquet as pq

from feature_repo.events.contract import InteractionEvent
from feature_repo.events.ingest import ingest
from feature_repo.events.log import encode_event
from feature_repo.home import DAY, HOUR, Clock, Home, Settings, parse_instant
from feature_repo.online.redis import running_redis
from feature_repo.shop import SIMULATED_SHOP
from pipelines.cli.main import main
from pipelines.service import free_port, running_service
from pipelines.steps import refresh
from training.ranker import Ranker
from training.studies.simulation import simulate

OPENED, NOW = "2026-01-05T00:00:00Z", "2026-01-18T00:00:00Z"
WISHED = [f"i{number:05}" for number in range(1, 11)]
"""Items on wish lists."""

SLATE = [f"i{number:05}" for number in range(1, 21)]


def run(root: Path) -> dict:
    home = Home(root)
    open_shop(home)
    with running_redis(Settings(home=home)) as address:
        settings = Settings(home=home, redis_url=address.url, record_share=1.0)
        os.environ |= {"AISLE_HOME": str(root), "REDIS_URL": address.url}
        refresh(settings)
        trained = verb("train", "--force")
        with running_service(settings, port=free_port()) as client:
            before = client.rank(SLATE, user="u00001", explain=True)
            client.events([wish(WISHED[0], Clock.of(settings).now(), "live")])
            after = client.rank(SLATE, user="u00001", explain=True)
            home_page = client.recommend("home", user="u00001", count=50, explain=True)
        refresh(settings)
        verified = verb("verify")
    return {
        "catalogue": verb("features", "docs")["page"],
        "rows": pq.read_table(home.features / "item_wishes").num_rows,
        "columns": pq.read_schema(home.datasets / "ranking.parquet").names,
        "ranker": list(Ranker.load(home.current / "ranker" / "default").columns),
        "published": trained["published"]["ranker"],
        "before": features_of(before, WISHED[0]),
        "after": features_of(after, WISHED[0]),
        "degraded": [answer["degraded"] for answer in (before, after, home_page)],
        "home_page": home_page["items"],
        "verified": verified,
        "step": verb("step", "count_wishes"),
        "steps": verb("step")["steps"],
        "pipeline": Path(
            verb("pipeline", "compile", "retrain", "--out", str(root / "retrain.yaml"))["compiled"]
        ).read_text(),
    }


def open_shop(home: Home) -> None:
    """Simulate a shop whose shoppers also make wishes."""
    home.root.mkdir()
    home.shop_toml.write_text(SIMULATED_SHOP.read_text())
    events = simulate(home.root / "events.jsonl", users=60, items=80, days=12)
    start = parse_instant(OPENED)
    wishes = home.root / "wishes.jsonl"
    lines = [
        json.dumps(wish(item, start + day * DAY + number * HOUR, f"{day}-{number}"))
        for day in range(12)
        for number, item in enumerate(WISHED)
    ]
    wishes.write_text("\n".join(lines))
    clock = Clock.of(Settings(home=home, clock=NOW))
    ingest([events, wishes], home=home, clock=clock)


def wish(item: str, at: int, name: str) -> dict:
    event = InteractionEvent(
        event_id=f"wish-{name}", event_time=at, item_id=item, type="wish", user_id="u00002"
    )
    return json.loads(encode_event(event))


def verb(*words: str) -> dict:
    """Run a verb of the command line and return the JSON that it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main([*words, "--json"])
    assert status == 0, printed.getvalue()
    return json.loads(printed.getvalue())


def features_of(answer: dict, item: str) -> dict:
    return next(row["features"] for row in answer["items"] if row["item"] == item)


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1])), default=str))
