"""Faults of a simulated shop raise their own alert within an hour; quiet days raise none.

The figures are measured from the recorded log and its feature rows at each half hour; Prometheus
evaluates the rules of production on them.
"""

import json
import shutil
from collections import defaultdict

import duckdb
import pytest

from feature_repo.events.ingest import ingest
from feature_repo.home import DAY, HOUR, MINUTE, Clock, Home, Settings, parse_instant, to_text
from feature_repo.shop import SIMULATED_SHOP
from feature_repo.transformations import transform
from tests.pipelines.monitoring.promtool import check, needs_promtool, raises, series
from training.monitoring import QUALITY_METRICS
from training.monitoring.measurement import measure_log
from training.monitoring.metric import PREFIX
from training.studies.simulation import Breakage, ShopConfig, simulate

pytestmark = needs_promtool

OPENING = parse_instant("2026-01-05T00:00:00Z")
STEP = 30
QUIET_STEP = 60
"""Minutes between two measurements, and in the quiet days."""

FAULT_DAY = 8
"""A week of history before the first fault."""

QUIET_DAYS = 30
SHOP = {"users": 100, "items": 200, "rankings_per_user_day": 0.8}


def events_of(folder, days, **breakage):
    config = ShopConfig(**SHOP, breakage=Breakage(**breakage))
    path = simulate(folder / f"{'-'.join(breakage) or 'quiet'}.jsonl", days=days, config=config)
    return [json.loads(line) for line in path.read_text().splitlines()]


def home_of(folder, events, until):
    """A home with the log and the features of some events."""
    home = Home(folder / "home")
    home.root.mkdir()
    shutil.copy(SIMULATED_SHOP, home.shop_toml)
    path = folder / "events.jsonl"
    chosen = [event for event in events if event["event_time"] < until]
    path.write_text("".join(json.dumps(event) + "\n" for event in chosen))
    clock = Clock.of(Settings(home=home, clock=to_text(until)))
    ingest([path], home=home, clock=clock)
    transform(home, clock.now())
    return home


def measured(home, since, until, step=STEP):
    """The series of all figures, from an instant on, every `step` minutes."""
    instants = [*range(since, until + 1, step * MINUTE)]
    values = defaultdict(dict)
    for sample in measure_log(home, instants):
        values[sample.name, sample.labels][sample.at] = sample.value
    labels = {metric.name: metric.labels for metric in QUALITY_METRICS}
    return [
        series(
            PREFIX + name,
            [by_instant.get(at) for at in instants],
            **dict(zip(labels[name], of, strict=True)),
        )
        for (name, of), by_instant in values.items()
    ]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """The events of thirty days without a fault."""
    return events_of(tmp_path_factory.mktemp("quiet"), QUIET_DAYS)


@pytest.fixture(scope="module")
def quiet_home(quiet, tmp_path_factory):
    """A home with the log and the features of the quiet days."""
    return home_of(tmp_path_factory.mktemp("quiet"), quiet, OPENING + QUIET_DAYS * DAY)


def check_fault(folder, home, fault_at, alert):
    """Check that nothing is raised before a fault, and within an hour its own alert alone."""
    since = fault_at - DAY
    inputs = measured(home, since, fault_at + 4 * HOUR)
    minutes = [(at - since) // MINUTE for at in (fault_at - MINUTE * STEP, fault_at + HOUR)]
    later = (fault_at + 4 * HOUR - since) // MINUTE

    check(
        folder,
        [raises(alert, inputs, [*minutes, later], [[], [alert], [alert]], minutes=STEP)],
        minutes=STEP,
    )


def test_thirty_quiet_days_raise_no_alert(quiet_home, tmp_path):
    inputs = measured(quiet_home, OPENING, OPENING + QUIET_DAYS * DAY, QUIET_STEP)

    assert len(inputs) > 20
    minutes = [QUIET_DAYS * DAY // MINUTE]
    case = raises("quiet", inputs, minutes, [[]], minutes=QUIET_STEP)
    check(tmp_path, [case], minutes=QUIET_STEP)


def test_a_price_shock_raises_its_alert_alone(tmp_path):
    fault_at = OPENING + FAULT_DAY * DAY
    shocked = events_of(tmp_path, FAULT_DAY + 1, shock_day=FAULT_DAY)
    home = home_of(tmp_path, shocked, fault_at + 5 * HOUR)

    check_fault(tmp_path, home, fault_at, "PricesShifted")


def test_a_broken_field_raises_its_alert_alone(quiet, tmp_path):
    fault_at = OPENING + FAULT_DAY * DAY
    broken = [
        {**event, "fields": {**event["fields"], "price": "n/a"}}
        if event["kind"] == "item" and event["event_time"] >= fault_at
        else event
        for event in quiet
    ]
    home = home_of(tmp_path, broken, fault_at + 5 * HOUR)

    check_fault(tmp_path, home, fault_at, "BrokenField")


def test_a_frozen_view_raises_its_alert_alone(quiet_home, tmp_path):
    fault_at = OPENING + FAULT_DAY * DAY + 12 * HOUR
    shutil.copytree(quiet_home.root, tmp_path / "home", symlinks=True)
    home = Home(tmp_path / "home")
    for path in (home.features / "item_engagement").glob("*.parquet"):
        rows = f"from read_parquet('{path}') where epoch_us(created_timestamp) < {fault_at}"
        with duckdb.connect() as db:
            db.execute(f"create table rows as {rows}")
            db.execute(f"copy rows to '{path}' (format parquet)")

    check_fault(tmp_path, home, fault_at, "FrozenView")


def test_a_wave_of_bots_raises_its_alert_alone(quiet, tmp_path):
    fault_at = OPENING + FAULT_DAY * DAY + 12 * HOUR
    people = {event["event_id"] for event in quiet}
    wave = [
        event
        for event in events_of(tmp_path, FAULT_DAY + 1, bots=0.5)
        if event["event_id"] in people or event["event_time"] >= fault_at
    ]
    home = home_of(tmp_path, wave, fault_at + 5 * HOUR)

    check_fault(tmp_path, home, fault_at, "BotTraffic")
