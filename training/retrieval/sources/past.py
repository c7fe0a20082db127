"""Items that the shopper clicked before, by frequency and recency."""

from feature_repo.request_features.context import as_list
from training.retrieval.catalogue import RankedList
from training.retrieval.sources.request import SourceRequest
from training.retrieval.sources.spec import SourceSpec
from training.retrieval.sources.templates import DECAY


def _search(request: SourceRequest) -> RankedList:
    """Score each click by its age in events; of equal scores the newest click comes first.

    Items with the same instant, such as the items of one order, have the same age.
    """
    if not request.clicked_items:
        return RankedList()
    user = request.features().user
    clicked = as_list(user.get("user_recent__clicked_item_ids"))
    instants = as_list(user.get("user_recent__clicked_at"))
    age = {instant: n for n, instant in enumerate(dict.fromkeys(instants))}
    scores = dict.fromkeys(request.clicked_items, 0.0)
    for item, instant in zip(clicked, instants, strict=False):
        if item:
            scores[item] += DECAY ** age[instant]
    best = sorted(scores, key=lambda item: -scores[item])
    return RankedList(best, [scores[item] for item in best])


SOURCE = SourceSpec(
    "past",
    "items that the shopper clicked before, by frequency and recency",
    _search,
    {"browse": 2.0, "home": 2.0, "again": 1.0},
    order=7,
)
