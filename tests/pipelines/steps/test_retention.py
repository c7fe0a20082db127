"""What is old and not in use is removed; nothing else is."""

import fcntl
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from feature_repo.events.log import Quarantine
from feature_repo.home import SettingError, Settings, exclusive_training
from pipelines.cli.main import main
from pipelines.doctor import examine
from pipelines.steps import remove_unneeded
from training.artifacts import current, publish

OLD = time.time() - 40 * 86_400


@pytest.fixture
def settings(home):
    return Settings(home=home)


def written(path, *, old=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("text")
    if old:
        os.utime(path, (OLD, OLD))
        os.utime(path.parent, (OLD, OLD))
    return path


def removed(report):
    return {(one["kind"], one["path"]) for one in report.to_dict()["removed"]}


def test_old_files_are_removed_and_new_ones_stay(settings):
    root = settings.home.root
    for age in ("old", "new"):
        for path in (
            f"kubeflow/runs/{age}/dataset",
            f"kubeflow/reports/{age}/publish_ranker.json",
            f"kubeflow/cache/{age}.json",
            f"datasets/{age}.parquet",
            f"log/quarantine/{age}.jsonl",
            f"log/compacted/.{age}.tmp",
        ):
            written(root / path, old=age == "old")

    report = remove_unneeded(settings)

    assert removed(report) == {
        ("run", "kubeflow/runs/old"),
        ("run", "kubeflow/reports/old"),
        ("run", "kubeflow/cache/old.json"),
        ("dataset", "datasets/old.parquet"),
        ("quarantine", "log/quarantine/old.jsonl"),
        ("temporary", "log/compacted/.old.tmp"),
    }
    assert not [path for path in root.rglob("*") if "old" in path.name]
    assert len([path for path in root.rglob("*") if "new" in path.name]) == 6


def test_a_dry_run_removes_nothing(settings):
    path = written(settings.home.datasets / "old.parquet")

    report = remove_unneeded(settings, is_dry=True)

    assert removed(report) == {("dataset", "datasets/old.parquet")}
    assert path.exists()


def test_the_version_in_use_and_the_previous_one_stay(settings, tmp_path):
    home, versions = settings.home, []
    for number in range(4):
        written(tmp_path / str(number) / "model.json").write_text(str(number))
        folder = home.artifacts / "ranker" / "default"
        versions.append(folder / publish(home, "ranker", "default", tmp_path / str(number), {}))
    for path in home.artifacts.rglob("*"):
        os.utime(path, (OLD, OLD))
    used = current(home, "ranker", "default")
    previous = max(version for version in versions if version != used)

    remove_unneeded(settings)

    assert {*used.parent.iterdir()} == {used, previous}


def test_files_in_use_stay(settings):
    root = settings.home.root
    run, last = written(root / "kubeflow/runs/old/dataset"), root / "datasets/ranking.parquet"
    written(last)
    quarantine = written(root / "log/quarantine/open.jsonl")

    with quarantine.open("ab") as file, exclusive_training(settings.home, "a test"):
        fcntl.flock(file, fcntl.LOCK_SH)
        report = remove_unneeded(settings)

    assert report.skipped == ("run", "dataset")
    assert run.exists()
    assert quarantine.exists()
    assert removed(remove_unneeded(settings)) == {
        ("run", "kubeflow/runs/old"),
        ("quarantine", "log/quarantine/open.jsonl"),
    }
    assert last.exists()


def test_a_quarantine_that_is_written_stays(settings):
    quarantine = Quarantine(settings.home.log / "quarantine")
    quarantine.add("events.jsonl", 1, "a reason", b"{}")
    quarantine.sync()
    (path,) = Path(settings.home.log / "quarantine").iterdir()
    os.utime(path, (OLD, OLD))

    during = remove_unneeded(settings)
    quarantine.close()
    after = remove_unneeded(settings)

    assert removed(during) == set()
    assert len(removed(after)) == 1


def test_the_retention_is_a_setting(settings, monkeypatch, capsys):
    path = written(settings.home.datasets / "old.parquet")
    assert removed(remove_unneeded(replace(settings, retention_days=50))) == set()
    monkeypatch.setenv("AISLE_HOME", str(settings.home.root))
    monkeypatch.setenv("AISLE_RETENTION_DAYS", "39")

    status = main(["gc", "--json"])

    assert status == 0
    assert json.loads(capsys.readouterr().out)["removed"][0]["path"] == "datasets/old.parquet"
    assert not path.exists()


@pytest.mark.parametrize("text", ["-1", "a month", "nan", "inf"])
def test_a_retention_that_is_no_number_of_days_is_rejected(text):
    with pytest.raises(SettingError, match="AISLE_RETENTION_DAYS"):
        Settings.from_environment({"AISLE_RETENTION_DAYS": text})


@pytest.mark.parametrize("target", ["default/nothing", "nothing", __file__])
def test_a_damaged_pointer_stops_no_removal(settings, target):
    link = settings.home.current / "ranker" / "default"
    link.parent.mkdir(parents=True)
    link.symlink_to(target)
    for version in ("20200101T000000Z-0", "20200102T000000Z-0"):
        written(settings.home.artifacts / "ranker" / "default" / version / "model.json")

    assert removed(remove_unneeded(settings)) == {
        ("artifact", "artifacts/ranker/default/20200101T000000Z-0")
    }
    (finding,) = [one for one in examine(settings) if one.subject == "ranker default"]
    assert finding.state == "bad"
    assert "publish the artifact again" in finding.detail
