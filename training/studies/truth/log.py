"""A simulated shop as a training dataset, and fresh requests for evaluation."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from feature_repo.request_features import Matrix
from feature_repo.request_features.context import RatePrior
from feature_repo.views import RANKING_SERVICE
from training.dataset import TRAIN, VALIDATE, VALIDATE_SHARE, Dataset, Facts
from training.metrics import Floats, Ints
from training.studies.simulation import DEVICES, PER_DAY, Pools, Shop, ShopConfig, Slates
from training.studies.truth.features import Candidates, History, as_matrix


@dataclass(frozen=True)
class Fresh:
    """Requests after the training log, with all candidates of each.

    Attributes:
        matrix: shape (R * C, F).
        attraction: shape (R, C), true probability of a click if examined; NaN where there is no
            candidate.
        clicks_of_user: shape (R,), earlier clicks of the user.
        market: shape (R,).
        user: shape (R,).
    """

    matrix: Matrix
    attraction: Floats
    clicks_of_user: Floats
    market: np.ndarray[tuple[int], np.dtype[np.str_]]
    user: np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True)
class SimulatedLog:
    """A training dataset with its truth, and the requests for evaluation.

    Attributes:
        data: R rows; train and validation splits only.
        attraction, examination: shape (R,), the truth of each row.
        fresh: the requests after the log.
    """

    data: Dataset
    attraction: Floats
    examination: Floats
    fresh: Fresh


def simulated_log(config: ShopConfig, days: int, fresh_slates: int) -> SimulatedLog:
    """Simulate a shop: `days` days for training, and enough further days for the fresh slates."""
    slates_per_day = config.users * config.rankings_per_user_day
    shop = Shop.draw(config, days + 2 + int(2 * fresh_slates / slates_per_day))
    slates = Slates.concatenate(shop.slates())
    day = slates.request // PER_DAY
    logged = slates.where(day < days)
    prior = RatePrior.of_counts(clicks=logged.clicked.sum(), impressions=logged.clicked.size)
    history = History(shop, slates, prior)
    rows = [_rows(history, shop, number, slates.where(day == number)) for number in range(days)]
    columns = {name: np.concatenate([row[name] for row in rows]).ravel() for name in rows[0]}
    of = logged.of_impressions
    order = np.lexsort((logged.position, of("request"), of("t")))
    facts = Facts(tuple(columns), prior, RANKING_SERVICE, 1, {})
    latest = np.sort(slates.t[day >= days])[:fresh_slates][-1]
    return SimulatedLog(
        data=Dataset(facts, _keys(shop, logged, order), as_matrix(columns)[order]),
        attraction=logged.attraction[order],
        examination=logged.examination[order],
        fresh=_fresh(history, shop, slates.where((day >= days) & (slates.t <= latest))),
    )


def _rows(history: History, shop: Shop, number: int, slates: Slates) -> dict[str, Floats]:
    """Return the features of the impressions of one day, shape (n, 1) each."""
    of = slates.of_impressions
    impressions = Candidates(of("t"), of("user"), of("visit"), of("intent"), slates.item[:, None])
    return history.features(shop.day(number), impressions)


def _fresh(history: History, shop: Shop, slates: Slates) -> Fresh:
    day = slates.request // PER_DAY
    parts = [
        _candidates(history, shop, number, slates.where(day == number)) for number in np.unique(day)
    ]
    columns = {name: np.concatenate([part[0][name] for part in parts]) for name in parts[0][0]}
    return Fresh(
        matrix=as_matrix(columns),
        attraction=np.concatenate([part[1] for part in parts]),
        clicks_of_user=columns["user_engagement__clicks_all"][:, 0],
        market=np.array(shop.config.markets)[slates.market],
        user=slates.user,
    )


def _candidates(
    history: History, shop: Shop, number: int, slates: Slates
) -> tuple[dict[str, Floats], Floats]:
    """Return features and attraction of all candidates of the requests of one day."""
    day = shop.day(number)
    pool = Pools(day).items(slates.pool)
    items = np.maximum(pool, 0)
    candidates = Candidates(slates.t, slates.user, slates.visit, slates.intent, items)
    attraction = day.attraction(slates.user, slates.focus, slates.intent, items)
    return history.features(day, candidates), np.where(pool >= 0, attraction, np.nan)


def _keys(shop: Shop, slates: Slates, order: Ints) -> pa.Table:
    """Return the key columns of the dataset, ordered by time, request and position."""

    def of(name: str) -> np.ndarray:
        return np.asarray(slates.of_impressions(name)[order])

    qid = np.cumsum(np.r_[False, np.diff(of("request")) != 0])
    train_size = int(len(slates) * (1 - VALIDATE_SHARE))
    return pa.table(
        {
            "request_id": of("request").astype(str),
            "qid": qid,
            "user_id": of("user").astype(str),
            "query_key": of("intent").astype(str),
            "market": np.array(shop.config.markets)[of("market")],
            "item_id": slates.item[order].astype(str),
            "position": slates.position[order],
            "t": pa.array(of("t")).cast(pa.timestamp("us", tz="UTC")),
            "gain": slates.clicked[order].astype(np.float32),
            "split": np.where(qid < train_size, TRAIN, VALIDATE),
            "device": np.array(DEVICES)[of("device")],
            "randomized": of("randomized"),
        }
    )
