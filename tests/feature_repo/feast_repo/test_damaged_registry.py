"""A damaged registry is written again, because its content comes from the catalogue."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from feature_repo.feast_repo import repository
from feature_repo.home import Home, SettingError, Settings
from feature_repo.online.redis import RedisAddress
from pipelines.doctor import examine


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A home with a registered catalogue, whose registry no process has open."""
    home = Home(tmp_path_factory.mktemp("registered") / "home")
    repository.render(home, RedisAddress.local(6379))
    names = registered_names(repository.apply(home))
    with closing(sqlite3.connect(home.registry)) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    return home, names


@pytest.fixture
def copy(registered, tmp_path):
    home = Home(tmp_path / "home")
    home.root.mkdir()
    for name in ("identity.json", "registry.db"):
        shutil.copy(registered[0].root / name, home.root)
    return home


def registered_names(store):
    return {one.name for one in (*store.list_feature_views(), *store.list_feature_services())}


def zeroed_pages(home):
    content = home.registry.read_bytes()
    home.registry.write_bytes(content[:4096] + bytes(len(content) - 4096))


def cut(home):
    home.registry.write_bytes(home.registry.read_bytes()[:10_000])


def other_file(home):
    home.registry.write_text("no database")


def changed_message(home):
    with closing(sqlite3.connect(home.registry)) as database:
        database.execute("update feature_views set feature_view_proto = x'ffff'")
        database.commit()


def changed_name(home):
    with closing(sqlite3.connect(home.registry)) as database:
        database.execute(
            "update feature_views set feature_view_name = cast(x'ff' as text)"
            " where feature_view_name = 'item_engagement'"
        )
        database.commit()


@pytest.mark.parametrize("damage", [zeroed_pages, cut, other_file, changed_message, changed_name])
def test_a_changed_registry_is_written_again(registered, copy, damage):
    damage(copy)

    assert repository.registered_views(copy) <= registered[1]
    repository.render(copy, RedisAddress.local(6379))
    names = registered_names(repository.apply(copy))

    assert names == registered[1]
    assert (copy.root / "registry.db.damaged").exists()


def test_a_folder_that_replaces_the_registry_is_an_error(copy):
    copy.registry.unlink()
    copy.registry.mkdir()

    with pytest.raises(SettingError, match="found a folder; remove it and run `aisle refresh`"):
        repository.render(copy, RedisAddress.local(6379))


@pytest.mark.parametrize("damage", [cut, other_file, Path.unlink])
def test_doctor_says_that_a_refresh_writes_a_damaged_registry_again(copy, damage):
    damage(copy.registry if damage is Path.unlink else copy)

    (finding,) = [one for one in examine(Settings(copy)) if one.subject == "registry"]

    assert finding.state in ("bad", "note")
    assert "`aisle refresh`" in finding.fix
