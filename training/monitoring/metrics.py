"""Every quality metric, declared once; alerts and dashboards name these, and no other is measured.

A metric of the log has an SQL file of its name, which returns `instant`, its labels and `value`,
for each instant of the table `instants`.  Metrics of features compare recorded vectors with the
snapshot of the training (`features.py`).
"""

from training.monitoring.metric import QualityMetric

ANSWERS = QualityMetric(
    "answers", "Answers of the last hour, by surface and ranker.", ("surface", "variant")
)
DEGRADED_SHARE = QualityMetric(
    "degraded_share", "Share of the last hour's answers without a stage.", ("surface", "variant")
)
SCORES = QualityMetric(
    "scores", "Quantile of the scores of the last hour's items.", ("variant", "quantile")
)
SHADOW_DISAGREEMENT = QualityMetric(
    "shadow_disagreement",
    "Share of the last hour's answers whose first item is not that of the ranker in the shadow.",
    ("shadow",),
)
CLICK_RATE = QualityMetric(
    "click_rate", "Clicks per shown item, without visitors of bots' pace.", ("window",)
)
IMPRESSIONS = QualityMetric(
    "impressions", "Shown items, without visitors of bots' pace.", ("window",)
)
EMPTY_SHARE = QualityMetric("empty_share", "Share of searches without results.", ("window",))
SEARCHES = QualityMetric("searches", "Searches that were shown.", ("window",))
BOT_SHARE = QualityMetric(
    "bot_share", "Share of the last hour's rankings and interactions by visitors of bots' pace."
)
FIELD_UNREADABLE_SHARE = QualityMetric(
    "field_unreadable_share",
    "Share of the last hour's values of an item field that are null or unreadable.",
    ("field",),
)
CATALOGUE_PSI = QualityMetric(
    "catalogue_psi",
    "Population stability index of the prices of items for sale, against a week ago.",
    ("field",),
)
VIEW_ROWS_RATIO = QualityMetric(
    "view_rows_ratio",
    "New rows of a live view in the last hour, relative to those that its events let expect.",
    ("view",),
)
VIEW_AGE = QualityMetric("view_age_seconds", "Age of the newest row of a view.", ("view",))
FEATURE_NULL_SHARE = QualityMetric(
    "feature_null_share",
    "Share of missing values of a feature in recorded answers, less that in training.",
    ("feature",),
)
FEATURE_OUTSIDE_SHARE = QualityMetric(
    "feature_outside_share",
    "Share of a feature's values in recorded answers outside the range of training.",
    ("feature",),
)
FEATURE_PSI = QualityMetric(
    "feature_psi",
    "Population stability index of a feature in recorded answers, against training.",
    ("feature",),
)
VERIFY_MISMATCHES = QualityMetric(
    "verify_mismatches", "Logged values that differ from training's in the last verification."
)
AGE = QualityMetric("age_seconds", "Time since these figures were measured.")

OF_THE_LOG = (
    *(ANSWERS, DEGRADED_SHARE, SCORES, SHADOW_DISAGREEMENT),
    *(CLICK_RATE, IMPRESSIONS, EMPTY_SHARE, SEARCHES, BOT_SHARE),
    *(FIELD_UNREADABLE_SHARE, CATALOGUE_PSI, VIEW_ROWS_RATIO, VIEW_AGE),
)
OF_FEATURES = (FEATURE_NULL_SHARE, FEATURE_OUTSIDE_SHARE, FEATURE_PSI)
QUALITY_METRICS = (*OF_THE_LOG, *OF_FEATURES, VERIFY_MISMATCHES, AGE)
