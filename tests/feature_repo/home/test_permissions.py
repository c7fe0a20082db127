"""A home can be read by its owner alone."""

import os

import pytest

from feature_repo.home import restrict_permissions


@pytest.fixture(autouse=True)
def usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path):
    return path.stat().st_mode & 0o777


def test_new_folders_and_files_are_for_their_owner_alone(home):
    restrict_permissions(home)

    (home.root / "log").mkdir(parents=True)
    (home.root / "log" / "events").touch()

    assert [mode(path) for path in (home.root, home.log)] == [0o700, 0o700]
    assert mode(home.log / "events") == 0o600


def test_an_old_home_is_closed_to_others(home):
    home.root.mkdir(mode=0o755)

    restrict_permissions(home)

    assert mode(home.root) == 0o700
