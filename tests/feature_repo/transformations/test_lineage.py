"""The lineage of a view names the tables that the heads of the SQL files name, up to events."""

import re

import pytest

from feature_repo.events.contract import FEATURE_KINDS
from feature_repo.transformations import sources_of
from feature_repo.transformations.lineage import _tables
from feature_repo.transformations.staged_log import SQL
from feature_repo.views import all_views

HEAD = re.compile(r"^-- Reads:\s+(.*)$", re.MULTILINE)
STAGING = {path.stem: path for path in (SQL / "staging").glob("*.sql")}


def head(path):
    """The tables that the head of a file names."""
    return {name.strip() for name in HEAD.search(path.read_text())[1].split(",")}


@pytest.mark.parametrize("view", all_views(), ids=lambda view: view.name)
def test_each_way_from_a_view_ends_in_events(view):
    sources = {source.table: source for source in sources_of(view)}
    read = {table for source in sources.values() for table in source.reads}

    assert read <= sources.keys()
    assert {source.event_kind for source in sources.values()} & {*FEATURE_KINDS}
    for source in sources.values():
        assert bool(source.reads) == (source.event_kind is None)
    order = list(sources)
    assert all(order.index(s.table) < order.index(t) for s in sources.values() for t in s.reads)


def test_a_staging_table_reads_what_its_head_says():
    listed = {
        source.table: {*source.reads}
        for view in all_views()
        for source in sources_of(view)
        if source.table in STAGING
    }

    assert listed.keys() >= {"stg_interactions", "stg_attributions", "stg_links"}
    for table, reads in listed.items():
        assert reads == head(STAGING[table]) & _tables().keys()
