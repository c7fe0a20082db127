"""One shopper's slate before and after a click: which items moved, and why."""

from dataclasses import asdict, dataclass
from typing import Any

from feature_repo.events.log import EventLog
from feature_repo.home import Clock, to_text
from pipelines.service import AisleClient

_LONGEST_SLATE = 12
_TRIES = 20
_NOTABLE = 0.001
"""Smaller changes of a contribution are not reported."""


@dataclass(frozen=True)
class ShowcaseRequest:
    """A slate to rank for a shopper with a history in the log."""

    user: str
    query: str | None
    market: str | None
    items: list[str]


@dataclass(frozen=True)
class Move:
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
    moves: list[Move]

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
    explainer: "Explainer",
) -> Showcase:
    """Rank, click the last item of the slate, rank again, and compare."""
    before = _rank(client, request)
    order = [item["item"] for item in before["items"]]
    clicked = order[-1]
    client.events([_click(clicked, request, clock.now())])
    after = _rank(client, request)
    return Showcase(
        request, clicked, before, after, _moves(before, after, clicked, titles, explainer)
    )


class Explainer:
    """Contributions of features to scores by the published ranker; empty without a ranker."""

    def __init__(self, ranker: Any) -> None:
        self._ranker = ranker

    def contributions(self, answer: dict[str, Any]) -> dict[str, dict[str, float]]:
        """Return each feature's contribution to the score of each item."""
        import numpy as np

        if self._ranker is None:
            return {item["item"]: {} for item in answer["items"]}
        columns = self._ranker.columns
        rows = [item["features"] for item in answer["items"]]
        matrix = np.array(
            [[_number(row.get(column)) for column in columns] for row in rows], dtype=np.float32
        )
        shares = self._ranker.contributions(matrix)
        return {
            item["item"]: dict(zip(columns, map(float, share), strict=True))
            for item, share in zip(answer["items"], shares, strict=True)
        }


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
    explainer: Explainer,
) -> list[Move]:
    old = {item["item"]: position for position, item in enumerate(before["items"], 1)}
    shares = explainer.contributions(before), explainer.contributions(after)
    values = [{i["item"]: i["features"] for i in answer["items"]} for answer in (before, after)]
    return [
        Move(
            item=item["item"],
            title=titles.get(item["item"], ""),
            before=old[item["item"]],
            after=position,
            why=("clicked just now; " if item["item"] == clicked else "")
            + _why(item["item"], shares, values),
        )
        for position, item in enumerate(after["items"], 1)
    ]


def _why(item: str, shares: Any, values: Any) -> str:
    old, new = (share[item] for share in shares)
    was, now = (value[item] for value in values)
    changed = [
        column
        for column in new
        if was.get(column) != now.get(column) and _varies(column, values[1])
    ]
    most = max(changed, key=lambda column: abs(new[column] - old[column]), default=None)
    if most is None or abs(change := new[most] - old[most]) < _NOTABLE:
        return "itself unchanged"
    return f"{most} {_shown(was.get(most))} → {_shown(now.get(most))} ({change:+.3f})"


def _varies(column: str, features: Any) -> bool:
    """Whether a feature differs within the slate; an equal feature cannot change the order."""
    return len({row.get(column) for row in features.values()}) > 1


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _shown(value: Any) -> str:
    return "–" if value is None else f"{float(value):.3g}"
