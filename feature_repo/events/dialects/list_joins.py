"""Join clicks in files to the list that showed their item, where lists have no request id.

A dialect without request ids derives one from what a list and the clicks on it share, such as the
page. Real trackers err: a page changes its address before the click is sent, or shows a list twice.
So a click whose list did not show its item belongs to the newest list before it that did.
"""

from collections import OrderedDict, deque
from typing import NamedTuple

import msgspec

from feature_repo.events.contract import AnyEvent, InteractionEvent, RankingEvent
from feature_repo.events.dialects.reading import LIST_PREFIX
from feature_repo.home import HOUR

LONGEST_JOIN = HOUR
"""µs from a list to a click on it, at most."""

MOST_LISTS, MOST_SHOPPERS = 20, 50_000
"""Lists that are remembered of a shopper, and shoppers."""


class _List(NamedTuple):
    request_id: str
    event_time: int
    item_ids: frozenset[str]


class ListJoins:
    """The newest lists of the shoppers that were active last."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, deque[_List]] = OrderedDict()

    def joined(self, event: AnyEvent) -> AnyEvent:
        """Return the event, a click with the id of the list that showed its item, if there is one.

        Args:
            event: with a request id of the shop, it is returned unchanged.
        """
        if not isinstance(event, RankingEvent | InteractionEvent):
            return event
        shopper = event.session_id or event.user_id
        derived = event.request_id is not None and event.request_id.startswith(LIST_PREFIX)
        if shopper is None or not derived:
            return event
        if isinstance(event, RankingEvent):
            self._remember(shopper, event)
            return event
        shown = [each for each in self._lists.get(shopper, ()) if _shows(each, event)]
        if not shown or any(each.request_id == event.request_id for each in shown):
            return event
        return msgspec.structs.replace(event, request_id=shown[-1].request_id)

    def _remember(self, shopper: str, ranking: RankingEvent) -> None:
        lists = self._lists.setdefault(shopper, deque(maxlen=MOST_LISTS))
        self._lists.move_to_end(shopper)
        items = frozenset(item.item_id for item in ranking.items)
        if all(each.request_id != ranking.request_id for each in lists):
            lists.append(_List(ranking.request_id, ranking.event_time, items))
        if len(self._lists) > MOST_SHOPPERS:
            self._lists.popitem(last=False)


def _shows(shown: _List, click: InteractionEvent) -> bool:
    age = click.event_time - shown.event_time
    return 0 <= age <= LONGEST_JOIN and click.item_id in shown.item_ids
