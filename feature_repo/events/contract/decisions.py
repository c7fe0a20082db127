"""The decisions of bandits, and the keys of their arms and rewards."""

import msgspec

DECISION, REWARD = "decision", "reward"
"""Types of interactions with an arm of a bandit: the platform logs a decision for it, and the shop
sends the reward, to which validation adds the decision.  So each says which arm it counts for."""


class Decision(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Which arm of a bandit was chosen, and how likely that was.

    Attributes:
        arm_key: bandit, context and arm, with slashes between.
        propensity: probability of the arm, above 0 and at most 1.
        reward_until: µs; a reward happens up to this instant.
        request_id: of the page that has the arm in a slot; None without a page.
    """

    arm_key: str
    propensity: float
    reward_until: int
    request_id: str | None = None


def arm_key(bandit: str, context: str, arm: str) -> str:
    """Return the key of an arm in a context.

    >>> arm_key("banner", "mobile", "sale")
    'banner/mobile/sale'
    """
    return f"{bandit}/{context}/{arm}"


def reward_id(decision_id: str) -> str:
    """Return the id of the reward of a decision, so that a second one is a duplicate."""
    return f"{decision_id}:reward"
