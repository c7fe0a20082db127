"""A ranker is refused while published indexes are damaged or lack items, or views are missing."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from feature_repo.home import Home
from feature_repo.views import RANKING_SERVICE
from training.artifacts import current, publish
from training.gate.coverage import check_coverage
from training.gate.layout import check_layout
from training.retrieval.catalogue import ItemTable
from training.retrieval.catalogue.item_table import FILE
from training.retrieval.indexes import ITEM_TABLE


@pytest.fixture
def filled(simulated_home, tmp_path):
    """A copy of the home, which a test may change."""
    return Home(Path(shutil.copytree(simulated_home.root, tmp_path / "home", symlinks=True)))


def publish_items(home, share, folder):
    """Publish an item table with a share of the items for sale."""
    table = ItemTable.fit(home)
    part = ItemTable(table.table.slice(0, int(table.size * share)), table.shop)
    part.save(folder)
    publish(home, ITEM_TABLE, "default", folder, {})


@pytest.mark.parametrize(("share", "refuses"), [(1.0, False), (0.95, False), (0.5, True)])
def test_indexes_must_have_most_items_for_sale(filled, tmp_path, share, refuses):
    publish_items(filled, share, tmp_path / "items")

    result = check_coverage(filled)

    assert result.refuses == refuses
    assert result.figure == pytest.approx(share, abs=0.02)
    assert "`aisle refresh` restores" in result.reason


def test_a_damaged_index_is_refused(filled, tmp_path):
    publish_items(filled, 1.0, tmp_path / "items")
    file = current(filled, ITEM_TABLE, "default") / FILE
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    result = check_coverage(filled)

    assert result.refuses
    assert f"changed: {FILE}" in result.reason


def test_a_home_without_indexes_is_not_measured(filled):
    assert check_coverage(filled).outcome == "not measured"


def test_a_view_that_the_registry_lacks_is_refused_by_name(filled):
    before = check_layout(filled, [], RANKING_SERVICE)
    with closing(sqlite3.connect(filled.registry)) as registry, registry:
        registry.execute("delete from feature_views where feature_view_name = 'item_engagement'")

    after = check_layout(filled, [], RANKING_SERVICE)

    assert not before.refuses
    assert after.refuses
    assert "no views item_engagement; `aisle refresh`" in after.reason
