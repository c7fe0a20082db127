"""Parts of a service with given values or failures, and answers of its request flow."""

import asyncio

import msgspec
import numpy as np

from feature_repo.request_features.context import RatePrior, RequestContext
from feature_repo.views import RANKING_SERVICE
from serving.contract import RankBody, body_reader
from serving.features import OnlineFeatures
from serving.features.unapplied_marks import UnappliedMarks
from serving.flow import answer
from serving.state import LoadedArtifact
from training.artifacts import Manifest

BODY = body_reader(RankBody)(b'{"id": "r", "items": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}')


class Connection:
    """A connection with a given read function."""

    def __init__(self, read):
        self.read = read
        self.applied = []

    def run_id(self):
        return "1"

    def apply(self, events):
        self.applied += events
        return ["applied"] * len(events)

    def replay(self):
        return 0

    def apply_due_events(self):
        return 0

    def close(self):
        pass


class Popularity:
    def apply(self, item_ids):
        return np.array([{"a": 1.0, "b": 3.0, "c": 2.0}[i] for i in item_ids])


class Ranker:
    """Returns fixed scores, or fails."""

    prior = RatePrior()
    columns = ()
    feature_service = RANKING_SERVICE

    def __init__(self, scores=(3.0, 1.0, 2.0)):
        self.scores = scores

    def apply(self, matrix):
        return np.array(self.scores, dtype=np.float32)[: len(matrix)]


class FailingRanker(Ranker):
    def apply(self, matrix):
        raise ValueError("x")


async def read(query):
    return RequestContext(t=query.t, item_ids=query.item_ids)


def connect(resources, connection):
    resources.online_features = resources.event_intake.online_features = OnlineFeatures(
        lambda: connection, UnappliedMarks(resources.settings.home.unapplied)
    )
    resources.online_features.maintain()
    return connection


def publish(resources, kind, value, name="default", version=None):
    loaded = LoadedArtifact(version or f"{kind}-1", Manifest(kind, name, {}), value)
    resources.models.artifacts[kind, name] = loaded


def ranked(resources, name="default", **flags):
    answered = asyncio.run(answer(resources, name, BODY, **flags))
    return [item.item for item in answered.items], answered.degraded, answered.model_version


def ranked_for(resources, user, **options):
    body = msgspec.structs.replace(BODY, user=user)
    return asyncio.run(answer(resources, "default", body, **options))
