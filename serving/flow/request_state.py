"""The state of one request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feature_repo.request_features.context import RequestContext
from serving.candidates import Retrieval
from serving.contract import Slot
from serving.experiments import Treatment
from serving.flow.resources import Resources
from serving.monitoring import Trace
from serving.query import Query
from serving.state import Model
from training.rules import Rules


@dataclass
class RequestState:
    """The state of one request, which every stage reads and some extend.

    Attributes:
        forced: the variants that the request names; empty for those of its shopper.
        trial: rules in place of the shop's, as the request names them; None for the shop's.
        context: the features of the candidates that may be shown; None where they were not read.
        slots: bandit → its decision for the page.
    """

    resources: Resources
    model: Model
    query: Query
    trace: Trace = field(default_factory=Trace)
    forced: Sequence[Treatment] = ()
    trial: Rules | None = None
    retrieval: Retrieval = field(default_factory=Retrieval)
    rules: Rules = field(default_factory=Rules)
    treatments: Sequence[Treatment] = ()
    context: RequestContext | None = None
    slots: Mapping[str, Slot] = field(default_factory=dict)

    @property
    def shop_rules(self) -> Rules:
        """The rules of the shop, or the trial ones, of all occasions."""
        return self.resources.rules.value if self.trial is None else self.trial

    @property
    def is_look(self) -> bool:
        """Whether the request only looks at what a shopper would get.

        It names variants or rules, or has the answer explained and does not report it as shown.
        Such a request is no exposure of an experiment, and teaches no bandit.
        """
        is_explained = self.query.explain and not self.query.shown
        return bool(self.forced) or self.trial is not None or is_explained
