"""One shopper's slate before and after a click: which items moved, and why."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from feature_repo.events.log import EventLog
from feature_repo.home import Clock, to_text
from pipelines.service import AisleClient
from training.explanation import ExplainedSlate, moves_between

if TYPE_CHECKING:
    from training.ranker import Ranker

_LONGEST_SLATE = 12
_TRIES = 20


@dataclass(frozen=True)
class ShowcaseRequest:
    """A slate to rank for a shopper with a history in the log."""

    user: str
    query: str | None
    market: str | None
    items: list[str]


@dataclass(frozen=True)
class ShowcaseMove:
    """The positions of one item in the first and the second slate.

    Attributes:
        before: position in the first slate, from 1.
        after: position in the second slate, from 1.
        why: the feature whose contribution changed most, with its values.
    """

    item: str
    title: str
    before: int
    after: int
    why: str


@dataclass(frozen=True)
class Showcase:
    """Two answers to one request, with a click between them."""

    question: ShowcaseRequest
    clicked: str
    before: dict[str, Any]
    after: dict[str, Any]
    moves: list[ShowcaseMove]

    def to_dict(self) -> dict[str, Any]:
        """Return the showcase as plain values."""
        return asdict(self)


def choose_request(log: EventLog) -> ShowcaseRequest | None:
    """Return the newest slate of a shopper with about four clicks, whose taste can still change.

    None if no shopper with a click was shown a slate of four items or more.
    """
    import duckdb

    rankings = [str(path) for path in log.relation_paths("ranking")]
    clicks = [str(path) for path in log.relation_paths("interaction")]
    if not rankings or not clicks:
        return None
    row = duckdb.execute(
        """
        with clickers as (
            select user_id, count(distinct item_id) as clicks
            from read_parquet($clicks) where user_id is not null group by user_id
        )
        select user_id, query, market, [item.item_id for item in items] as items
        from read_parquet($rankings) join clickers using (user_id)
        where len(items) >= 4
        order by abs(clicks - 4), user_id, seen_at desc, event_id
        limit 1
        """,
        {"clicks": clicks, "rankings": rankings},
    ).fetchone()
    if row is None:
        return None
    user, query, market, items = row
    return ShowcaseRequest(user, query, market, items[:_LONGEST_SLATE])


def click_and_rank_again(
    client: AisleClient,
    request: ShowcaseRequest,
    clock: Clock,
    titles: dict[str, str],
    ranker: "Ranker | None",
) -> Showcase:
    """Rank, click the last item of the slate, rank again, and compare."""
    before = _rank(client, request)
    order = [item["item"] for item in before["items"]]
    clicked = order[-1]
    client.events([_click(clicked, request, clock.now())])
    after = _rank(client, request)
    return Showcase(request, clicked, before, after, _moves(before, after, clicked, titles, ranker))


def _rank(client: AisleClient, request: ShowcaseRequest) -> dict[str, Any]:
    """Rank with features; on a busy machine the first attempts may miss the deadline."""
    for _ in range(_TRIES):
        answer = client.rank(
            request.items,
            user=request.user,
            query=request.query,
            market=request.market,
            explain=True,
        )
        if not answer["degraded"]:
            break
    return answer


def _click(item: str, request: ShowcaseRequest, now: int) -> dict[str, Any]:
    return {
        "kind": "interaction",
        "event_id": f"demo-click-{now}",
        "event_time": to_text(now),
        "type": "click",
        "item_id": item,
        "user_id": request.user,
    }


def _moves(
    before: dict[str, Any],
    after: dict[str, Any],
    clicked: str,
    titles: dict[str, str],
    ranker: "Ranker | None",
) -> list[ShowcaseMove]:
    return [
        ShowcaseMove(
            item=move.item,
            title=titles.get(move.item, ""),
            before=move.before or 0,
            after=move.after,
            why=("clicked just now; " if move.item == clicked else "")
            + (move.reason or "itself unchanged"),
        )
        for move in moves_between(_slate(before, ranker), _slate(after, ranker), ranker)
    ]


def _slate(answer: dict[str, Any], ranker: "Ranker | None") -> ExplainedSlate:
    item_ids = [item["item"] for item in answer["items"]]
    if ranker is None:
        return ExplainedSlate(item_ids)
    features = [item["features"] for item in answer["items"]]
    return ExplainedSlate.of_features(item_ids, features, ranker.columns)
