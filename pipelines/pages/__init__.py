"""Pages of studies, evaluations, experiments, data contracts and the shop's days."""

from pipelines.pages.dataset_page import dataset_html, dataset_statistics
from pipelines.pages.day_page import day_html, day_page, day_sentences
from pipelines.pages.experiment_page import (
    experiment_html,
    experiment_markdown,
    experiment_page,
    experiment_sentences,
    experiment_tables,
    plan_page,
)
from pipelines.pages.nameless_page import nameless_page
from pipelines.pages.next_purchase_page import evaluation_page, surfaces_page
from pipelines.pages.off_policy_page import (
    off_policy_html,
    off_policy_markdown,
    off_policy_page,
)
from pipelines.pages.validation_page import validation_html, validation_page

__all__ = [
    "dataset_html",
    "dataset_statistics",
    "day_html",
    "day_page",
    "day_sentences",
    "evaluation_page",
    "experiment_html",
    "experiment_markdown",
    "experiment_page",
    "experiment_sentences",
    "experiment_tables",
    "nameless_page",
    "off_policy_html",
    "off_policy_markdown",
    "off_policy_page",
    "plan_page",
    "surfaces_page",
    "validation_html",
    "validation_page",
]
