"""All pages: the navigation, the routes and the tests derive from this list."""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.console.content import Content, Visit
from pipelines.console.pages.days import day, search_analytics
from pipelines.console.pages.entity import entity, export
from pipelines.console.pages.experiments import experiment, experiments
from pipelines.console.pages.explorer import explorer
from pipelines.console.pages.features import feature, features
from pipelines.console.pages.judgments import judgments
from pipelines.console.pages.models import comparison, model, models
from pipelines.console.pages.overview import overview
from pipelines.console.pages.parity import parity
from pipelines.console.pages.rules import rules
from pipelines.console.pages.runs import run, runs
from pipelines.console.pages.session import sign_in
from pipelines.console.pages.simulator import simulator


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        path: of its address.
        label: in the navigation; empty for a page that others link to.
        show: returns its content.
    """

    path: str
    label: str
    show: Callable[[Visit], Content]


PAGES = (
    Page("overview", "Overview", overview),
    Page("models", "Models", models),
    Page("model", "", model),
    Page("comparison", "", comparison),
    Page("features", "Features", features),
    Page("feature", "", feature),
    Page("entity", "Entity", entity),
    Page("export", "", export),
    Page("explorer", "Query explorer", explorer),
    Page("searches", "Searches", search_analytics),
    Page("day", "Day", day),
    Page("pipelines", "Pipelines", runs),
    Page("run", "", run),
    Page("rules", "Rules", rules),
    Page("judgments", "Judgments", judgments),
    Page("experiments", "Experiments", experiments),
    Page("experiment", "", experiment),
    Page("parity", "Parity", parity),
    Page("simulator", "Simulator", simulator),
    Page("sign-in", "", sign_in),
)
"""In the order of the navigation; the first is also at the root."""
