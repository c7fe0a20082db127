"""Reasons in words: describe a feature, and compare an item's value with the slate's."""

import re

import numpy as np
import numpy.typing as npt

_WORDS = {
    "1d": "today",
    "7d": "in 7 days",
    "30d": "in 30 days",
    "all": "of all time",
    "user": "shopper",
}
"""Parts of names.  Features of the user describe the shopper of a request: the user, the session of
a visitor without a name, or both."""

_PHRASES = (
    (r"rate__(\w+)_(1d|7d|30d|all)", "click rate of the {0} {1}"),
    (r"(\w+)_engagement__(\w+)_(1d|7d|30d|all)", "{1} of the {0} {2}"),
    (r"slate__(\w+)_(rank|difference|ratio)", "{0} against the rest of the slate"),
    (r"slate__(\w+)_frequency", "how common its {0} is in the slate"),
    (r"taste__lift", "match with what the shopper clicked lately"),
    (r"taste__(\w+)_matches", "how often the shopper saw its {0}"),
    (r"taste__(\w+)_(clicked_share|lift_\w+)", "how much the shopper clicks its {0}"),
    (r"taste__(\w+)_ignored_share", "how often the shopper does not click its {0}"),
    (r"taste__(\w+)", "match of its {0} with the shopper's clicks"),
    (r"history__(\w+)", "the shopper's own history with it ({0})"),
    (r"purchases__times", "how often the shopper bought it"),
    (r"purchases__last_seconds", "time since the shopper last bought it"),
    (
        r"purchases__(interest|interest_share|to_highest|rank)",
        "the shopper's purchases of it ({0})",
    ),
    (r"purchases__user_items", "number of items that the shopper bought"),
    (r"purchases__user_last_seconds", "time since the shopper last bought anything"),
    (r"purchases__orders_share_(1d|7d|30d|all)", "orders of it {0}, relative to the most ordered"),
    (r"query_item__(\w+)", "clicks on it after this query ({0})"),
    (r"session__item_clicked", "clicks on it in this visit"),
    (r"session__item_shown", "times it was shown in this visit"),
    (r"session__click_share", "share of this visit's items that were clicked"),
    (r"session__(\w+)_share", "share of this visit's clicks with its {0}"),
    (r"session__seconds", "time since this visit began"),
    (r"session__pace_seconds", "time between slates in this visit"),
    (r"session__shown", "items shown in this visit"),
    (r"session__(\w+)", "{0} in this visit"),
    (r"source__(\w+)_(rank|score)", "its {1} in the candidate source {0}"),
    (r"text__(\w+)", "match of its text with the query ({0})"),
    (r"age__(\w+)_seconds", "time since {0}"),
    (r"item_attributes__(\w+)", "its {0}"),
    (r"user__tenure_seconds", "time since the shopper's first event"),
    (r"user__([a-z0-9_]+?)__(\w+)", "whether the shopper's {0} is {1}"),
    (r"user__(\w+)_known", "whether the shopper's {0} has a value"),
    (r"user__(\w+)_age_seconds", "time since the shopper's {0}"),
    (r"user_attributes__(?!present)(\w+)", "the shopper's {0}"),
    (r"(\w+)__present", "whether any value exists ({0})"),
)


def phrase(column: str) -> str:
    """Describe a feature in words; a feature of an unknown kind by its name.

    >>> phrase("rate__item_7d")
    'click rate of the item in 7 days'
    >>> phrase("taste__brand_clicked_share")
    'how much the shopper clicks its brand'
    >>> phrase("user_engagement__clicks_7d")
    'clicks of the shopper in 7 days'
    """
    for pattern, words in _PHRASES:
        match = re.fullmatch(pattern, column)
        if match:
            parts = [_WORDS.get(part, part.replace("_", " ")) for part in match.groups()]
            return words.format(*parts)
    return column.replace("__", " ").replace("_", " ")


def reason(column: str, share: float, value: float, slate: npt.ArrayLike) -> str:
    """Return one reason: its addition to the score, the feature, and its value in the slate.

    A model of trees weighs a value together with others, so a low value may raise a score: the
    sentence states both numbers and no cause.

    Args:
        column: the feature.
        share: its addition to the score, against the slate's mean.
        value: of the item; NaN where missing.
        slate: shape (N,), its values in the slate.
    """
    return f"{share:+.3f} for {phrase(column)}: {_compared(column, value, slate)}"


def change_in_words(column: str, change: float, was: float, now: float) -> str:
    """Describe how the value of a feature and its addition to the score changed.

    >>> change_in_words("rate__item_7d", 0.25, float("nan"), 0.5)
    'click rate of the item in 7 days: no value → 0.5 (+0.250)'
    """
    values = f"{value_in_words(column, was)} → {value_in_words(column, now)}"
    return f"{phrase(column)}: {values} ({change:+.3f})"


def value_in_words(column: str, value: float) -> str:
    """Return the value of a feature for a reader; seconds in the unit that suits them.

    >>> value_in_words("age__added_at_seconds", 376_000.0), value_in_words("rate__item_7d", 0.25)
    ('4.35 days', '0.25')
    """
    if np.isnan(value):
        return "no value"
    if not column.endswith("seconds"):
        return f"{value:.3g}"
    unit, size = next((one for one in _UNITS if abs(value) >= one[1]), ("s", 1))
    return f"{value / size:.3g} {unit}"


_UNITS = (("days", 86_400), ("h", 3_600), ("min", 60))


def _compared(column: str, value: float, slate: npt.ArrayLike) -> str:
    if np.isnan(value):
        return "no value"
    values = np.asarray(slate, np.float64)
    values = values[~np.isnan(values)]
    median = float(np.median(values))
    middle = f"{value_in_words(column, median)} in the middle of"
    same = "as in the middle of" if value == median else middle
    return f"{value_in_words(column, value)}, {same} the slate"
