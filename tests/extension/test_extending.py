"""The package of docs/extending.md works in every part of the platform."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGE = Path(__file__).parent / "shop_extras"
PAGE = ROOT / "docs" / "extending.md"
FILES = ("pyproject.toml", "shop_extras/item_wishes.sql", "shop_extras/__init__.py")


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The folder into which the package is installed, without a network."""
    source, folder = tmp_path_factory.mktemp("source") / "package", tmp_path_factory.mktemp("site")
    shutil.copytree(PACKAGE, source)
    install = ["uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [sys.executable, "-m", *install, "--python", sys.executable, "--target", folder, source],
        check=True,
        capture_output=True,
        text=True,
    )
    return folder


@pytest.fixture(scope="session")
def shop(installed, tmp_path_factory):
    """The results of a small shop with the package, from its events to verification.

    It takes 20 s of CPU: the shop is refreshed twice, trained, served and verified.
    """
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.extension.extended_shop",
            tmp_path_factory.mktemp("x") / "home",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{installed}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.splitlines()[-1])


def test_the_page_shows_the_code_of_the_package():
    blocks = re.findall(r"```\w+\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)

    assert blocks == [(PACKAGE / name).read_text() for name in FILES]
    assert len(PAGE.read_text().splitlines()) < 60


def test_the_catalogue_describes_the_view(shop):
    assert "item_wishes" in shop["catalogue"]
    assert "Wishes, in the last 7 day-buckets." in shop["catalogue"]


def test_the_view_and_the_feature_are_columns_of_dataset_and_ranker(shop):
    added = {f"item_wishes__wishes_{window}" for window in ("1d", "7d", "30d", "all")}
    added.add("wishes__per_click_7d")

    assert shop["rows"] > 100
    assert added <= set(shop["columns"])
    assert added <= set(shop["ranker"])
    assert shop["published"]


def test_the_service_reads_the_view_and_counts_a_live_event(shop):
    before, after = shop["before"], shop["after"]

    assert shop["degraded"] == [[], [], []]
    assert before["item_wishes__wishes_30d"] == 12
    assert after["item_wishes__wishes_30d"] == 13
    assert after["wishes__per_click_7d"] > before["wishes__per_click_7d"]


def test_the_source_feeds_its_surface_and_two_features(shop):
    wished = [item for item in shop["home_page"] if "wished" in item["sources"]]

    assert len(wished) > 0
    assert {"source__wished_rank", "source__wished_score"} <= set(shop["ranker"])


def test_served_vectors_equal_those_of_training(shop):
    assert shop["verified"]["mismatches"] == []
    assert shop["verified"]["requests"] == 3


def test_the_step_runs_by_its_name_and_in_the_pipeline(shop):
    pipeline = next(iter(yaml.safe_load_all(shop["pipeline"])))

    assert shop["step"] == {"items": 10}
    assert "count_wishes" in shop["steps"]
    assert "exec-count-wishes" in pipeline["deploymentSpec"]["executors"]
