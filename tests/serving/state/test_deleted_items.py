"""The service's deleted items follow the newest event time, in every order of arrival."""

from contextlib import closing
from itertools import permutations

import pytest
from msgspec import structs

from feature_repo.events.contract import ItemEvent
from feature_repo.events.log import EventLog
from feature_repo.home import HOUR, Clock
from serving.state import DeletedItems

NOON = 1_700_000_000_000_000


def event(hour, op="upsert", item="i"):
    return ItemEvent(event_id=f"{item}{hour}", event_time=NOON + hour * HOUR, item_id=item, op=op)


@pytest.mark.parametrize("order", permutations(range(3)))
def test_delete_hides_an_item_until_a_later_upsert_in_any_order(order):
    events = [event(0), event(2, "delete"), event(1)]
    deleted = DeletedItems()

    deleted.apply([events[n] for n in order])
    assert deleted.intersection(["i", "j"]) == {"i"}

    deleted.apply([event(3)])
    assert deleted.intersection(["i", "j"]) == set()


@pytest.mark.parametrize("is_compacted", [True, False])
def test_log_is_read_by_event_time(home, is_compacted):
    log = EventLog(home, Clock())
    with closing(log.writer()) as segment:
        for one in (event(2, "delete"), event(1), event(5, item="j"), event(4, "delete", "j")):
            segment.append([structs.replace(one, received_at=0)])
    if is_compacted:
        log.seal()
        log.compact()

    deleted = DeletedItems.from_log(log)
    deleted.apply([event(0)])

    assert deleted.intersection(["i", "j"]) == {"i"}
