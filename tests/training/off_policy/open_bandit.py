"""The Open Bandit Dataset: one campaign of a shop, shown by a random and by a learned policy.

Saito, Aihara, Matsutani and Narita (arXiv 2008.07146).  A row is one item in one of three slots and
the probability that its policy drew it there: a slate of one item.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from training.off_policy.policies import ByPosition
from training.off_policy.slates import LoggedSlates

FOLDER = Path(os.environ.get("AISLE_DATA", "../shared/data")) / "obd"
RANDOM, LEARNED = "random", "bts"


@dataclass(frozen=True)
class Log:
    """Rows that one policy drew.

    Attributes:
        shown: shape (positions, items), how often the policy showed each item: an estimate of the
            policy that does not look at clicks.
    """

    slates: LoggedSlates
    shown: np.ndarray

    @property
    def policy(self):
        """The policy that drew these rows, by its mean over the time of the log."""
        return ByPosition(self.shown / self.shown.sum(axis=1, keepdims=True))


def campaigns(folder=FOLDER):
    """Return the names of the campaigns that have both logs."""
    names = (path.stem.partition("_")[2] for path in folder.glob(f"{RANDOM}_*.parquet"))
    return sorted(name for name in names if (folder / f"{LEARNED}_{name}.parquet").exists())


def read_logs(campaign, folder=FOLDER):
    """Return the log of each policy, by name, with one numbering of the items."""
    rows = {
        name: pd.read_parquet(folder / f"{name}_{campaign}.parquet") for name in (RANDOM, LEARNED)
    }
    items = 1 + max(int(each.item_id.max()) for each in rows.values())
    positions = max(int(each.position.max()) for each in rows.values())
    logs = {name: _log(each, positions, items) for name, each in rows.items()}
    # The random policy needs no estimate: each item has the same probability.
    return logs | {RANDOM: replace(logs[RANDOM], shown=np.ones((positions, items)))}


def _log(rows, positions, items):
    item, position = rows.item_id.to_numpy(np.int64), rows.position.to_numpy(np.int64)
    propensity = rows.propensity_score.to_numpy(np.float64)
    shown = np.zeros((positions, items))
    np.add.at(shown, (position - 1, item), 1.0)
    slates = LoggedSlates(
        items=item[:, None],
        positions=position[:, None],
        rewards=rows.click.to_numpy(np.float64)[:, None],
        conditional=propensity[:, None],
        marginal=propensity[:, None],
        clusters=_requests(rows),
        item_count=items,
    )
    return Log(slates, shown)


def _requests(rows):
    """Number the requests: rows of one instant and one combination of user features."""
    keys = ["timestamp", *(name for name in rows if name.startswith("user_feature"))]
    return rows.groupby(keys, sort=False, dropna=False).ngroup().to_numpy()
