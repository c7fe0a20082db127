"""The house keeps its own rules: names, layers' packages, a short README, no foreign addresses."""

import re
import subprocess
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["feature_repo", "training", "serving", "pipelines"]
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_package_name_is_ours_alone(package):
    assert set(packages_distributions().get(package, ["aisle"])) == {"aisle"}


def test_readme_is_short_enough_to_be_read():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200


def test_lock_pins_every_requirement_with_hashes_and_names_no_address():
    lock = (ROOT / "requirements.lock").read_text()

    pinned = re.findall(r"^[a-z0-9][\w.\[\]-]*==\S+", lock, flags=re.MULTILINE | re.IGNORECASE)

    assert len(pinned) > 100
    assert "://" not in lock
    assert lock.count("--hash=sha256:") >= len(pinned)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_file_is_longer_than_four_hundred_lines(path):
    assert len(path.read_text().splitlines()) <= 400


def test_every_decision_note_fits_on_a_page():
    notes = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert notes
    assert [note.name for note in notes if len(note.read_text().splitlines()) > 40] == []


def test_git_ignores_all_run_time_state():
    paths = [
        ".aisle/registry.db",
        ".aisle-shop/log/x",
        ".venv/x",
        "feature_repo/feature_store.yaml",
    ]

    ignored = subprocess.run(
        ["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True, check=False
    )

    if ignored.returncode == 128:
        pytest.skip("not a git checkout")
    assert ignored.stdout.split() == paths
