"""Indexes are published again only after their inputs have changed."""

import shutil
from pathlib import Path

from feature_repo.events.contract import ItemEvent
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Home, Settings
from feature_repo.transformations import transform
from training.artifacts import current
from training.retrieval.sources import are_current, index_specs, publish_indexes


def change(home, event_id, **fields):
    """Change an item, and its features."""
    clock = Clock.of(Settings(home=home))
    log = EventLog(home, clock)
    log.writer().append(
        [ItemEvent(event_id=event_id, event_time=clock.now(), item_id="i00001", fields=fields)]
    )
    log.seal()
    log.compact()
    transform(home, clock.now())


def test_indexes_are_refitted_after_a_change_and_those_of_texts_after_a_change_of_texts(
    small_home, tmp_path
):
    home = Home(Path(shutil.copytree(small_home.root, tmp_path / "home")))
    first = publish_indexes(home).versions
    was_current = are_current(home)
    change(home, "dearer", price=99.5)
    became_old = not are_current(home)
    second = publish_indexes(home, only_changed=True).versions
    change(home, "renamed", title="Zyxomatic lantern")
    third = publish_indexes(home, only_changed=True).versions
    whole = are_current(home)
    (current(home, "popular", "default") / "manifest.json").write_text("{}")

    assert (was_current, became_old, whole, are_current(home)) == (True, True, True, False)
    assert first.keys() == second.keys() == third.keys() == set(index_specs())
    assert first["similar"] == second["similar"] != third["similar"]
    assert len({versions["assortment"] for versions in (first, second, third)}) == 3
