"""Each pipeline runs on a small shop, and does what the verbs do."""

import hashlib
import json
import shutil

import pytest

from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.feast_repo import refreshed_key
from feature_repo.home import Clock, Home, LateFileError, PipelineError, Settings, to_text
from feature_repo.online.redis import LiveKeys, redis_client
from pipelines.catalogue import pipeline_of, pipelines
from pipelines.cli.main import main
from pipelines.steps import refresh
from tests.feature_repo.events.event_samples import click, item
from tests.scale import seconds
from training.studies.simulation import simulate


def run(name, home, **values):
    """The reports of a run in this process, each step with its artifacts in the home."""
    return pipeline_of(name).run_here(lambda step, given: step.run(home, given), values=values)


def digests(folder):
    """The content of the Parquet files below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A home without features, and its events."""
    root = tmp_path_factory.mktemp("shop")
    events = simulate(root / "shop.jsonl", users=40, items=30, days=6)
    home = Home(root / "home")
    Clock.of(Settings(home, clock="2026-01-12T00:00:00Z"))
    ingest([events], home=home, clock=Clock.of(Settings(home)))
    return home, events


@pytest.fixture(scope="module")
def featured(shop, shared_redis):
    """The reports of the pipeline of features on the shop, and what it stored."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REDIS_URL", shared_redis.url)
        reports = run("features", shop[0])
    return reports, digests(shop[0].features), stored(shared_redis, shop[0])


def copied(home, root):
    """A copy of a home with an identity of its own, whose keys Redis lacks."""
    names = shutil.ignore_patterns("identity.json", "feast")
    shutil.copytree(home.root, root, symlinks=True, ignore=names)
    return Home(root)


@pytest.fixture
def home(shop, featured, tmp_path, shared_redis, monkeypatch):
    """A copy of the shop with features that are not loaded."""
    copy = copied(shop[0], tmp_path / "home")
    monkeypatch.setenv("AISLE_HOME", str(copy.root))
    monkeypatch.setenv("REDIS_URL", shared_redis.url)
    return copy


def stored(address, home):
    """The feature rows and tiles of a home in Redis, without its identity and its marks."""
    project, marks = home.project.encode(), (b":loaded", b":home", b":pruned")
    with redis_client(address, timeout=seconds(5)) as client:
        keys = [key for key in client.scan_iter() if project in key]
        rows = [key for key in keys if not any(mark in key for mark in marks)]
        return {key.replace(project, b""): client.dump(key) for key in rows}


def test_the_pipeline_of_features_computes_and_loads_what_a_refresh_does(
    shop, featured, shared_redis, tmp_path
):
    reports, rows, loaded = featured
    other = copied(shop[0], tmp_path / "home")
    shutil.rmtree(other.feature_generations)
    other.features.unlink()

    refresh(Settings(home=other, redis_url=shared_redis.url))

    assert reports["check_freshness"]["views"]["item_engagement"]["rows"] > 0
    assert digests(other.features) == rows
    assert stored(shared_redis, other) == loaded


def test_live_state_is_pruned_only_up_to_the_seal_that_the_features_include(home, shared_redis):
    log = EventLog(home, Clock.of(Settings(home)))
    pipeline = pipeline_of("features")
    computed = log.seals().last
    log.writer().append([item("late"), click("c-late")])
    log.seal()
    log.compact()

    pipeline.step("apply_catalogue").run(home)
    loaded = pipeline.step("materialize_features").run(home)

    seals = log.seals()
    with redis_client(shared_redis, timeout=seconds(5)) as client:
        assert int(client.get(refreshed_key(home))) == computed
        pruned = int(client.get(LiveKeys.of(home).pruned))
    assert loaded["sealed_at"] == to_text(computed)
    assert pruned == seals.part_of(computed) < seals.part_of(seals.last)

    pipeline.step("transform_features").run(home)
    later = pipeline.step("materialize_features").run(home)

    assert later["sealed_at"] == to_text(seals.last)
    assert [line for line in later["loaded"] if line.startswith("item_attributes: 1 row")]


def test_rows_of_another_log_are_not_loaded(home):
    (home.features / "state").unlink()

    with pytest.raises(PipelineError, match="expected feature rows of the present log"):
        pipeline_of("features").step("materialize_features").run(home)


def test_a_backfill_adds_the_events_of_a_range_of_days_with_their_times(home, tmp_path):
    old = tmp_path / "old.jsonl"
    days = ["2025-12-30", "2025-12-31", "2026-01-01"]
    old.write_text("".join(json.dumps(purchase(day)) + "\n" for day in days))
    clock = Clock.of(Settings(home))
    with pytest.raises(LateFileError):
        ingest([old], home=home, clock=clock)

    reports = run("backfill", home, events=[str(old)], until="2026-01-01")

    assert reports["split_days"]["days"] == days[:2]
    assert [day["accepted"] for day in reports["validate_day"]["items"]] == [1, 1]
    assert reports["backfill_days"]["accepted"] == 2
    assert reports["materialize_features"]["rebuilt"]
    logged = {path.parent.name for path in EventLog(home, clock).relation_paths("interaction")}
    assert {f"day={day}" for day in days} & logged == {f"day={day}" for day in days[:2]}


def purchase(day):
    return {
        "kind": "interaction",
        "event_id": f"old-{day}",
        "event_time": f"{day}T10:00:00Z",
        "type": "purchase",
        "item_id": "i00001",
        "user_id": "u00001",
    }


def test_a_day_with_too_many_refused_lines_stops_a_backfill_before_anything_is_added(
    home, tmp_path
):
    old = tmp_path / "old.jsonl"
    future = {**purchase("2025-12-31"), "event_id": "future", "received_at": "2099-01-01T00:00:00Z"}
    lines = [purchase("2025-12-30"), purchase("2025-12-31"), future]
    old.write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = digests(home.log)

    with pytest.raises(PipelineError, match=r"2025-12-31: expected at most 1\.0%"):
        run("backfill", home, events=[str(old)])

    assert digests(home.log) == before


def test_a_backfill_without_events_says_what_it_needs(home):
    with pytest.raises(PipelineError, match="expected files of events"):
        run("backfill", home)


def test_the_daily_report_is_the_one_of_the_command(home, capsys):
    step = pipeline_of("daily_report").step("report_day")

    figures = step.run(home, {"date": "2026-01-08"})
    page = (home.root / "build/daily_report/day.html").read_text()
    assert main(["report", "day", "--date", "2026-01-08", "--json"]) == 0

    assert figures == json.loads(capsys.readouterr().out)["days"][0]
    assert "Day 2026-01-08" in page


def test_the_pipeline_of_indices_publishes_them(home):
    assert "lexical" in run("indices", home)["publish_indexes"]["versions"]
    assert (home.current / "lexical" / "default").exists()


def test_verification_without_logged_answers_compares_nothing(home):
    report = run("verify", home)["verify_features"]

    assert (report["requests"], report["mismatches"]) == (0, [])


def test_a_load_is_not_fresh_while_redis_lacks_the_rows(home):
    with pytest.raises(PipelineError, match="found none loaded"):
        pipeline_of("features").step("check_freshness").run(home)


def test_the_command_lists_every_pipeline_with_its_steps_and_parameters(capsys):
    assert main(["pipeline", "list", "--json"]) == 0

    listed = json.loads(capsys.readouterr().out)["pipelines"]
    assert listed.keys() == pipelines().keys()
    assert listed["search"]["parameters"]["trials"] == 20
    assert listed["features"]["steps"][0] == "ingest_events"


def test_an_option_of_another_pipeline_is_refused_with_the_right_ones(capsys):
    assert main(["pipeline", "run", "indices", "--trials", "3"]) == 1

    assert "aisle pipeline run indices: expected the options none, found --trials" in (
        capsys.readouterr().err
    )


def test_a_step_takes_its_parameters_as_options(home, capsys):
    assert main(["step", "report_day", "--date", "2026-01-06", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["day"] == "2026-01-06"
