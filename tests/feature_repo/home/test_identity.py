"""Every home has its own project, which moves with the folder."""

import json

import pytest

from feature_repo.feast_repo import render
from feature_repo.home import Home, RedisError, SettingError
from feature_repo.online.redis import RedisAddress, claim, redis_client
from tests.scale import seconds


@pytest.mark.parametrize("name", ["shop", "магазин", "店", "!!", "x" * 200])
def test_homes_of_one_folder_name_have_different_projects(tmp_path, name):
    homes = [Home(tmp_path / parent / name) for parent in ("a", "b")]

    projects = {home.project for home in homes}

    assert len(projects) == 2
    assert all(project.isascii() and len(project) < 64 for project in projects)


def test_the_project_stays_when_the_folder_is_renamed(home, tmp_path):
    project = home.project

    moved = Home(home.root.rename(tmp_path / "moved"))

    assert moved.project == project


def test_a_home_without_an_identity_keeps_its_registered_project(home):
    render(home, RedisAddress.local(6379))
    settings = home.feast / "feature_store.yaml"
    settings.write_text(settings.read_text().replace(json.dumps(home.project), '"aisle_shop"'))
    (home.root / "identity.json").unlink()

    assert home.project == "aisle_shop"


def test_a_damaged_identity_is_reported_with_the_cure(home):
    home.root.mkdir()
    (home.root / "identity.json").write_text("{}")

    with pytest.raises(SettingError, match="delete it and registry"):
        _ = home.project


@pytest.mark.parametrize("content", [b"\xff\x00", b"project: {", b""])
def test_a_damaged_feature_store_yaml_changes_no_project(home, redis_address, content):
    render(home, redis_address)
    project = home.project

    (home.feast / "feature_store.yaml").write_bytes(content)

    assert home.project == project
    render(home, redis_address)
    assert project in (home.feast / "feature_store.yaml").read_text()


def test_keys_of_another_home_are_refused_in_words(tmp_path, redis_address):
    one, other = Home(tmp_path / "a" / "shop"), Home(tmp_path / "b" / "shop")
    for home in (one, other):
        render(home, redis_address)
        identity = {"id": home.identity.id, "project": "aisle_shop"}
        (home.root / "identity.json").write_text(json.dumps(identity))

    with redis_client(redis_address, timeout=seconds(5)) as client:
        claim(client, one)
        claim(client, one)
        with pytest.raises(
            RedisError, match="aisle_shop on this Redis server belong to another home"
        ):
            claim(client, other)
        (other.root / "identity.json").unlink()
        other.registry.unlink()
        claim(client, other)
