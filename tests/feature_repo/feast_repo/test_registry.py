"""The registry under concurrent writers and readers."""

import subprocess
import sys

from feast import Entity, FeatureStore, ValueType

from feature_repo.catalogue import Catalogue
from feature_repo.feast_repo import repository
from feature_repo.online.redis import RedisAddress

VIEWS_EACH, WRITERS = 3, 4
WRITER = """
import sys
from pathlib import Path
from feature_repo.catalogue import Catalogue
from feature_repo.feast_repo.repository import open_store
from feature_repo.home.home import Home
home, mine, count = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
store = open_store(home)
print("ready", flush=True)
sys.stdin.readline()
for n in range(count):
    view = Catalogue.of(home).view("item_engagement")
    view.name = f"view_{mine}_{n}"
    store.apply([view])
"""
READER = """
import sys
from pathlib import Path
from feature_repo.feast_repo.repository import open_store
from feature_repo.home.home import Home
from feature_repo.online.redis import RedisAddress
home = Home(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
counts = [len(open_store(home).list_feature_views()) for _ in range(30)]
print(*counts)
"""


def start(script, *words):
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def release(processes):
    """Start the processes together and return the output of each."""
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return outputs


def test_four_writers_keep_every_view_and_readers_never_see_fewer(home):
    repository.render(home, RedisAddress.local(1))
    repository.apply(home)
    before = {view.name for view in Catalogue.of(home).views}
    writers = [start(WRITER, str(home.root), str(n), str(VIEWS_EACH)) for n in range(WRITERS)]
    reader = start(READER, str(home.root))

    *_, seen = release([*writers, reader])

    names = {view.name for view in repository.open_store(home).list_feature_views()}
    added = {f"view_{n}_{k}" for n in range(WRITERS) for k in range(VIEWS_EACH)}
    assert names == before | added
    counts = [int(word) for word in seen.split()]
    assert counts[0] >= len(before)
    assert counts == sorted(counts)


def test_concurrent_change_is_lost_in_the_stock_file_and_stored_in_sqlite(home, tmp_path):
    repository.render(home, RedisAddress.local(1))
    in_sqlite = repository.open_store(home).config
    in_a_file = in_sqlite.model_copy(update={"registry_config": str(tmp_path / "registry.pb")})
    stored = {}
    for name, config in (("sqlite", in_sqlite), ("file", in_a_file)):
        one, other = (FeatureStore(config=config).registry for _ in range(2))
        first, second = (
            Entity(name=word, join_keys=[word], value_type=ValueType.STRING)
            for word in ("first", "second")
        )

        one.apply_entity(first, config.project, commit=False)
        other.apply_entity(second, config.project)
        one.commit()

        entities = FeatureStore(config=config).registry.list_entities(config.project)
        stored[name] = {entity.name for entity in entities} & {"first", "second"}

    assert stored == {"sqlite": {"first", "second"}, "file": {"first"}}
