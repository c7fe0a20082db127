"""BentoML services to compare Aisle's ranking with.

Echo      the same bytes in and out in the same framework, without any work.
Ordinary  the same features, model and answer, written as in the manuals of BentoML and Feast.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bentoml
import pandas as pd
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from feature_repo.events.contract import query_key
from feature_repo.home import Clock, Settings
from feature_repo.request_features import RequestContext, feature_matrix
from feature_repo.shop import Shop
from serving.contract import (
    RankAnswer,
    RankBody,
    RankedItem,
    SearchBody,
    SlateAnswer,
    body_reader,
    encode,
)
from training.ranker import MODEL, Ranker

STOCK = "BENCH_STOCK_REPO"
"""Variable with the folder of stock Feast's feature_store.yaml."""


async def _echo(request: Request) -> Response:
    body = body_reader(RankBody)(await request.body())
    answer = RankAnswer(
        took=0.0,
        items=[RankedItem(str(item.id), 0.123456789) for item in body.items],
        request_id="echo",
        model_version="20260101T000000Z-00000000",
        feature_service="ranking_v1",
        degraded=[],
        dropped=[],
    )
    return Response(encode(answer), media_type="application/json")


async def _echo_page(request: Request) -> Response:
    body = body_reader(SearchBody)(await request.body())
    answer = SlateAnswer(
        took=0.0,
        items=[RankedItem(f"i{n:05d}", 0.123456789) for n in range(body.size)],
        request_id="echo",
        model_version="20260101T000000Z-00000000",
        feature_service="ranking_v1",
        degraded=[],
        total=1000,
        facets={name: {f"value {n}": n for n in range(20)} for name in ("a", "b", "c")},
        understood={"words": body.query.split()},
        relaxed=[],
        next="x" * 800,
    )
    return Response(encode(answer), media_type="application/json")


@bentoml.service(
    name="Echo",
    metrics={"enabled": False},
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
)
@bentoml.asgi_app(
    Starlette(
        routes=[
            Route("/rank", _echo, methods=["POST"]),
            Route("/search", _echo_page, methods=["POST"]),
        ]
    ),
    path="/",
)
class Echo:
    """Returns the slate of a request, or a page for a search."""


class Item(BaseModel):
    """A candidate."""

    id: str


class Ranked(BaseModel):
    """A candidate with its score."""

    item: str
    score: float


class Answer(BaseModel):
    """The candidates, best first."""

    items: list[Ranked]
    model_version: str


@bentoml.service(name="Ordinary")
class Ordinary:
    """Ranks a slate with stock Feast and BentoML."""

    def __init__(self) -> None:
        import xgboost
        from feast import FeatureStore

        settings = Settings.from_environment()
        folder = (settings.home.current / "ranker" / "default").resolve()
        self.store = FeatureStore(repo_path=os.environ[STOCK])
        self.features = self.store.get_feature_service("ranking_v1")
        self.clock, self.shop = Clock.of(settings), Shop.load(settings.home.shop_toml)
        self.prior, self.version = Ranker.load(folder).prior, folder.name
        self.matrix_of = xgboost.DMatrix
        self.booster = xgboost.Booster(model_file=str(Path(folder) / MODEL))

    @bentoml.api
    def rank(
        self, items: list[Item], user: str, query: str, timestamp: int | None = None
    ) -> Answer:
        """Return the items in order of their scores."""
        keys = {"user_id": user, "query_key": query_key(query, "default"), "market": "default"}
        keys["session_id"] = ""  # The shopper has none, but stock Feast wants every key.
        rows = self.store.get_online_features(
            self.features, [{"item_id": item.id, **keys} for item in items], full_feature_names=True
        ).to_df()
        ids, t = [item.id for item in items], timestamp or self.clock.now()
        facts = facts_of(rows, ids, t, query)
        scores = self.booster.predict(self.matrix_of(feature_matrix(facts, self.shop, self.prior)))
        best = sorted(zip(ids, scores.tolist(), strict=True), key=lambda pair: -pair[1])
        ranked = [Ranked(item=item, score=score) for item, score in best]
        return Answer(items=ranked, model_version=self.version)


def facts_of(rows: pd.DataFrame, ids: list[str], t: int, query: str) -> RequestContext:
    """Convert Feast's answer to the input of the request features."""
    return RequestContext(
        t=t,
        query=query,
        user=_first(rows, "user"),
        query_row=_first(rows, "query"),
        market_row=_first(rows, "market"),
        item_ids=ids,
        items=_columns(rows, "item"),
    )


def _first(rows: pd.DataFrame, entity: str) -> Mapping[str, Any]:
    return {name: values[0] for name, values in _columns(rows[:1], entity).items()}


def _columns(rows: pd.DataFrame, entity: str) -> dict[str, list[Any]]:
    """Return the columns of the views whose names begin with an entity's name."""
    columns: dict[str, list[Any]] = {}
    for view in {view for view, named, _ in (n.partition("__") for n in rows.columns) if named}:
        if not view.startswith(f"{entity}_"):
            continue
        of_view = rows[[name for name in rows.columns if name.startswith(f"{view}__")]]
        columns |= {name: of_view[name].tolist() for name in of_view.columns}
        columns[f"{view}__present"] = of_view.notna().any(axis=1).tolist()
    return columns
