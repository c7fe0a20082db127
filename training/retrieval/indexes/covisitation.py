"""Co-visitation: items that one shopper clicked or bought in one session."""

from feature_repo.home import DAY, Home
from training.retrieval.indexes.actions import read_actions
from training.retrieval.indexes.neighbours import MOST, Neighbours

MOST_IN_SESSION = 100
"""Longer sessions are skipped: their pairs are weak evidence, and grow quadratically in number."""

SHRINKAGE = 2.0
"""A pair of n common sessions counts n / (n + this)."""

_PAIRS = """
with

visited as (

    select
        coalesce(session_id, user_id || '|' || (t // $day)) as visit,
        item_id,
        max(gain) as gain

    from actions
    group by visit, item_id
    having visit is not null
    qualify count(*) over (partition by visit) <= $most_in_session

),

totals as (

    -- whole numbers, whose sum is the same in every order
    select item_id, sum(round(1e9 * sqrt(gain))::bigint) / 1e9 as total
    from visited
    group by item_id

),

pairs as (

    select
        one.item_id,
        other.item_id as other_id,
        count(*) as visits,
        sum(round(1e9 * sqrt(least(one.gain, other.gain)))::bigint) / 1e9 as weight

    from visited as one
    inner join visited as other using (visit)
    where one.item_id <> other.item_id
    group by one.item_id, other.item_id

)

select
    pairs.item_id,
    pairs.other_id,
    weight / sqrt(one.total * other.total) * visits / (visits + $shrinkage) as score

from pairs
inner join totals as one on pairs.item_id = one.item_id
inner join totals as other on pairs.other_id = other.item_id
qualify row_number() over (
    partition by pairs.item_id order by score desc, pairs.other_id
) <= $most
"""


def fit_together(home: Home) -> Neighbours:
    """Fit neighbours on the compacted log: a cosine over sessions, shrunk by support.

    Without a session id, a user's UTC day is one session.
    """
    parameters = {
        "day": DAY,
        "most": MOST,
        "most_in_session": MOST_IN_SESSION,
        "shrinkage": SHRINKAGE,
    }
    return Neighbours.of(read_actions(home, _PAIRS, parameters))
