"""The command line starts quickly, has help for every verb, and prints errors in one sentence."""

import json
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from feature_repo.events.contract import UserEvent
from feature_repo.events.log import EventLog
from feature_repo.home import DAY, Clock, Settings
from pipelines.cli import main as cli
from pipelines.cli import parser
from pipelines.doctor import examine

ROOT = Path(__file__).parents[3]
VERBS = sorted(parser.VERBS)
HEAVY = ["feast", "bentoml", "kfp", "xgboost", "pandas", "duckdb", "pyarrow", "numpy", "rich"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("AISLE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("REDIS_URL", raising=False)
    return tmp_path / "home"


def events_file(tmp_path, *lines):
    path = tmp_path / "events.jsonl"
    path.write_text("".join(line + "\n" for line in lines))
    return path


ITEM = json.dumps(
    {
        "kind": "item",
        "event_id": "i1",
        "event_time": "2026-01-05T10:00:00Z",
        "item_id": "shoe",
        "fields": {"title": "Red shoe"},
    }
)


def test_help_imports_no_heavy_library():
    code = (
        "import sys\nfrom pipelines.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_can_print_json(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, "--help"])

    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_clock_prints_one_json_object(home, capsys):
    status = cli.main(["clock", "--json"])

    assert status == 0
    assert json.loads(capsys.readouterr().out)["now"].endswith("Z")


def test_ingest_reports_every_line_that_it_read(home, tmp_path, capsys):
    path = events_file(tmp_path, ITEM, ITEM, "not json")

    status = cli.main(["ingest", str(path), "--json"])

    report = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (report["read"], report["accepted"], report["duplicate"]) == (3, 1, 1)
    assert [q["line"] for q in report["quarantined_lines"]] == [3]


def test_validate_writes_nothing(home, tmp_path, capsys):
    path = events_file(tmp_path, ITEM)

    status = cli.main(["validate", str(path), "--json"])

    assert status == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == 1
    assert not (home / "log").exists()


@pytest.mark.parametrize("verb", [name for name in VERBS if parser.VERBS[name].actions])
def test_a_verb_without_its_action_prints_its_help(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([verb])

    assert ended.value.code is None
    page = capsys.readouterr().out
    assert all(action in page for action in parser.VERBS[verb].actions)


def test_items_may_come_after_an_option(capsys):
    args = parser.parse(["recommend", "similar", "--user", "42", "i1", "i2"])

    assert (args.user, args.items) == ("42", ["i1", "i2"])
    with pytest.raises(SystemExit):
        parser.parse(["recommend", "similar", "i1", "--usre", "42"])
    with pytest.raises(SystemExit):
        parser.parse(["doctor", "i1"])
    assert capsys.readouterr().err.count("unrecognized arguments") == 2


def test_init_of_events_without_fields_writes_no_empty_shop(home, tmp_path, capsys):
    path = tmp_path / "clicks.jsonl"
    path.write_text('{"kind": "interaction", "type": "click"}\n')

    status = cli.main(["init", str(path)])

    assert status == 1
    assert "shop.toml would be empty" in capsys.readouterr().err
    assert not (home / "shop.toml").exists()


def test_init_writes_a_shop_and_does_not_replace_one(home, tmp_path, capsys):
    path = events_file(tmp_path, ITEM)

    first = cli.main(["init", str(path)])
    second = cli.main(["init", str(path)])

    assert (first, second) == (0, 1)
    assert 'name = "title"' in (home / "shop.toml").read_text()
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ingest", "absent.jsonl"], "absent.jsonl"),
        (["refresh", "--every", "soon"], "10m"),
        (["evaluate"], "aisle train"),
        (["rank", "a", "--url", "http://127.0.0.1:9"], "aisle serve"),
    ],
)
def test_an_error_is_printed_in_one_sentence(home, words, message, capsys):
    status = cli.main(words)

    error = capsys.readouterr().err
    assert status == 1
    assert error.startswith("aisle: ")
    assert message in error


def test_an_error_is_one_json_object_with_the_json_option(home, capsys):
    status = cli.main(["evaluate", "--json"])

    error = json.loads(capsys.readouterr().out)["error"]
    assert status == 1
    assert error["type"] == "DatasetError"
    assert "aisle train" in error["message"]


def test_validate_counts_the_events_that_ingest_would_reject(home, tmp_path, capsys):
    cli.main(["ingest", str(events_file(tmp_path, ITEM))])
    older = ITEM.replace("2026-01-05", "2026-01-04").replace("i1", "i0")
    path = events_file(tmp_path, ITEM, older)
    capsys.readouterr()

    cli.main(["validate", str(path), "--json"])

    report = json.loads(capsys.readouterr().out)
    assert (report["accepted"], report["duplicate"], report["late"]) == (1, 1, 1)


def test_doctor_suggests_a_fix_for_every_problem(home, capsys):
    cli.main(["doctor", "--json"])

    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {f["subject"] for f in findings} >= {"Python", "Redis", "registry", "event log"}
    assert [f for f in findings if f["state"] != "good" and not f["cure"]] == []


def test_doctor_notes_a_system_clock_behind_the_newest_event(home):
    settings = Settings.from_environment()
    clock = Clock.of(settings)
    clock.advance(clock.now() + DAY)

    (finding,) = [one for one in examine(settings) if one.subject == "clock"]

    assert finding.state == "note"
    assert "s behind the newest event or seal" in finding.detail
    assert "Set the system's clock right" in finding.fix


def test_doctor_notes_a_seal_ahead_of_the_system_clock_without_its_newest_instant(home):
    settings = Settings.from_environment()
    clock = Clock.of(settings)
    clock.system_now = lambda: time.time_ns() // 1000 + DAY
    EventLog(settings.home, clock).seal()
    settings.home.latest_instant.unlink()

    (finding,) = [one for one in examine(settings) if one.subject == "clock"]

    assert finding.state == "note"
    assert re.search(
        r"the system's clock is 86\d{3} s behind the newest event or seal", finding.detail
    )


def test_doctor_notes_events_ahead_of_the_system_clock(home):
    settings = Settings.from_environment()
    clock = Clock.of(settings)
    clock.system_now = lambda: time.time_ns() // 1000 + DAY
    event = UserEvent(event_id="u1", event_time=clock.now(), user_id="u")
    EventLog(settings.home, clock).writer().append([event])

    (finding,) = [one for one in examine(settings) if one.subject == "clock"]

    assert finding.state == "note"
    assert re.search(
        r"the system's clock is 86\d{3} s behind the newest event or seal", finding.detail
    )


@pytest.mark.parametrize("name", ["identity.json", "api_keys.json", "clock", "log/seals"])
@pytest.mark.parametrize("content", [b"", b"\xff\x00", None])
def test_damaged_small_file_is_a_finding_and_a_sentence(home, tmp_path, capsys, name, content):
    cli.main(["ingest", str(events_file(tmp_path, ITEM))])
    (home / name).unlink(missing_ok=True)
    if content is None:
        (home / name).mkdir()
    else:
        (home / name).write_bytes(content)
    capsys.readouterr()

    findings = examine(Settings.from_environment())
    status = cli.main(["refresh"])

    bad = [one for one in findings if one.state == "bad" and str(home / name) in one.detail]
    assert bad
    assert all(one.fix for one in bad)
    if name != "api_keys.json":  # Which a refresh does not read.
        assert status == 1
        assert str(home / name) in capsys.readouterr().err


def test_doctor_says_that_the_keys_in_redis_are_of_another_identity(
    home, redis_address, monkeypatch
):
    monkeypatch.setenv("REDIS_URL", redis_address.url)
    settings = Settings.from_environment()
    settings.home.features.mkdir(parents=True)
    identity = {"project": settings.home.project, "id": "0" * 32}
    (good,) = [one for one in examine(settings) if one.subject == "owner"]

    (home / "identity.json").write_text(json.dumps(identity))
    (finding,) = [one for one in examine(settings) if one.subject == "owner"]

    assert (good.state, finding.state) == ("good", "bad")
    assert "belong to another home" in finding.detail


def test_errors_of_files_and_databases_are_one_sentence(home, capsys, monkeypatch):
    def fail(_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("pipelines.cli.main._function", lambda _: fail)

    assert cli.main(["doctor", "--json"]) == 1

    out, err = capsys.readouterr()
    assert err.startswith("aisle: expected to read and write the files of the home")
    assert "database or disk is full" in json.loads(out)["error"]["message"]


def test_doctor_lists_extensions_and_notes_unknown_groups(home, monkeypatch):
    installed = [("aisle.view", "gifts", "shop-gifts"), ("aisle.views", "wishes", "shop-wishes")]
    monkeypatch.setattr("pipelines.doctor.settings_checks.installed_extensions", lambda: installed)

    findings = [f for f in examine(Settings.from_environment()) if f.subject == "extension"]

    assert [(f.state, f.detail) for f in findings] == [
        ("note", "aisle.view gifts of package shop-gifts"),
        ("good", "aisle.views wishes of package shop-wishes"),
    ]
    assert "ignores the group aisle.view; use one of aisle.dialects" in findings[0].fix


def test_redis_starts_and_stops(home, capsys):
    started = cli.main(["redis", "start", "--json"])
    running = json.loads(capsys.readouterr().out)
    stopped = cli.main(["redis", "stop", "--json"])
    ended = json.loads(capsys.readouterr().out)

    assert (started, stopped) == (0, 0)
    assert running["running"] is True
    assert ended["running"] is False
