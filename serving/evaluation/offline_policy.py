"""Evaluate a ranker or a file of rules on logged answers that another policy drew.

The candidates of each answer are scored with the features of its instant and ordered through the
code that serves lists.  The log lacks the candidate sources of what was not shown, so retrieval's
share of the order is left out, and source ranks are missing features: the order must not depend on
what the draw happened to show.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import query_key
from feature_repo.home import DAY, DatasetError, Home, SettingError, to_text
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.query import Query
from serving.ranking import (
    active_rules,
    order_by_rules,
    order_by_score,
    pin_items,
    pinned_slots,
    score_by_ranker,
    sellable_positions,
)
from serving.state import DEFAULT_MODEL, LoadedArtifact, ModelRegistry
from training.dataset import historical_features
from training.off_policy import (
    Answer,
    Answers,
    Logging,
    Ordered,
    Policy,
    Uniform,
    off_policy_report,
)
from training.retrieval.catalogue import Candidates
from training.rules import RULES_FILE, Rules

LOGGING, UNIFORM = "logging", "uniform"


def evaluate_policy(home: Home, policy: str, *, until: int, days: int) -> dict[str, Any]:
    """Estimate the clicks that a policy's slates would have had.

    Args:
        home: its compacted log is read, as of the last refresh.
        policy: `logging`, `uniform`, the name of a published ranker, or a file of rules (`.toml`),
            which the default ranker's orders get in place of the home's.
        until: µs; end of the days.
        days: last days of the log that are read.

    Raises:
        SettingError: there is no such policy, or its rules are wrong.
        DatasetError: the days have no answer that can be evaluated.
    """
    served = None if policy in (LOGGING, UNIFORM) else ServedOrder.of(home, policy)
    since = until - days * DAY
    answers = Answers.read(home, since, until)
    if not answers.answers:
        skipped = ", ".join(f"{n} {why}" for why, n in answers.skipped.items())
        raise DatasetError(
            f"Expected answers of a drawn order since {to_text(since)} that were reported as "
            f"shown, found none{f' ({skipped})' if skipped else ''}. Declare `[exploration]` in "
            f"{RULES_FILE}, let the service answer, and `aisle refresh`."
        )
    target: Policy = Logging()
    if policy == UNIFORM:
        target = Uniform(answers.candidates)
    elif served is not None:
        target = Ordered(answers.numbered(list(served.orders(home, answers.answers))))
    return {
        "policy": policy,
        "days": [to_text(since), to_text(until)],
        "skipped": dict(answers.skipped),
        **off_policy_report(answers.slates, target),
    }


@dataclass(frozen=True)
class ServedOrder:
    """A ranker and rules, which order candidates as the service does."""

    ranker: LoadedArtifact
    rules: Rules
    shop: Shop

    @classmethod
    def of(cls, home: Home, policy: str) -> "ServedOrder":
        """Load a published ranker by its name, or the default one with a file of rules.

        Raises:
            SettingError: there is neither, or the rules are wrong.
        """
        shop = Shop.load(home.shop_toml)
        is_file = policy.endswith(".toml")
        registry = ModelRegistry(home, shop)
        registry.reload()
        model = registry.get(DEFAULT_MODEL if is_file else policy)
        if model is None or model.ranker is None:
            names = ", ".join([LOGGING, UNIFORM, *registry.names()])
            raise SettingError(
                f"--policy: expected one of {names} with a published ranker, or a file of rules "
                f"such as {RULES_FILE} for the default ranker, found {policy!r}."
            )
        path = Path(policy) if is_file else home.root / RULES_FILE
        if is_file and not path.is_file():
            path = home.root / policy
        if is_file and not path.is_file():
            raise SettingError(f"--policy: expected a file of rules, found none at {policy}.")
        return cls(model.ranker, Rules.load(path, shop), shop)

    def orders(self, home: Home, answers: Sequence[Answer]) -> Iterator[list[str]]:
        """Yield the order of each answer's candidates, best first, without hidden items."""
        contexts = historical_features(home, _candidate_rows(answers))
        for answer, context in zip(answers, contexts, strict=True):
            yield self._order(answer, context)

    def _order(self, answer: Answer, context: RequestContext) -> list[str]:
        query = Query(
            answer.request_id,
            answer.t,
            text=answer.query,
            market=answer.market,
            surface=answer.surface,
        )
        rules = active_rules(self.rules, query)
        sellable = sellable_positions(context.item_ids, context, self.shop, rules)
        context = context.select(sellable)
        scored = score_by_ranker(self.ranker, context, self.shop)
        order = order_by_rules(
            [*order_by_score(scored, scored.item_ids).order],
            scored.item_ids,
            context,
            self.shop,
            rules,
            candidates=Candidates(scored.item_ids),
            partial_match_sources=frozenset(),
        )
        order = pin_items(order, pinned_slots(rules, scored.item_ids))
        return [scored.item_ids[n] for n in order]


def _candidate_rows(answers: Sequence[Answer]) -> pa.Table:
    """Return one row a candidate, for the historical join."""
    sizes = [len(answer.candidates) for answer in answers]
    of = pa.array(np.repeat(np.arange(len(answers)), sizes))
    requests = {
        name: pa.array([getattr(answer, name) for answer in answers], pa.string())
        for name in ("request_id", "user_id", "session_id", "query", "market")
    }
    keys = [query_key(answer.query, answer.market) for answer in answers]
    requests["query_key"] = pa.array(keys, pa.string())
    offsets = [answer.utc_offset_minutes for answer in answers]
    requests["utc_offset_minutes"] = pa.array(offsets, pa.int64())
    requests["t"] = pa.array([answer.t for answer in answers], pa.timestamp("us", tz="UTC"))
    rows = pa.table({name: column.take(of) for name, column in requests.items()})
    item_ids = [item for answer in answers for item in answer.candidates]
    return rows.append_column("qid", of).append_column("item_id", pa.array(item_ids))
