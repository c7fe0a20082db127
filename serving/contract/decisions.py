"""The body and the answer of a bandit's decision."""

import msgspec

from serving.contract.errors import too_large

MAX_CONTEXT = 50


class DecideBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /decide/{bandit}`.

    Attributes:
        context: texts by name, such as the device; the bandit reads those that it declares.
    """

    user: str | int | None = None
    session: str | int | None = None
    market: str | None = None
    context: dict[str, str] = {}

    def check_limits(self) -> None:
        """Check the number of texts.

        Raises:
            ApiError: 413.
        """
        if len(self.context) > MAX_CONTEXT:
            raise too_large("context", f"at most {MAX_CONTEXT} texts", len(self.context))


class Slot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision: in the answer of `/decide`, and in a slot of a page.

    Attributes:
        arm: the one to show.
        decision_id: the `request_id` of its reward, an interaction of type `reward` whose item is
            the arm.
        propensity: the probability with which the arm was drawn.
        context: the combination of levels that the request has.
        state: `on`; `off` where the bandit's default was chosen; `uniform` where its counts could
            not be read.
    """

    arm: str
    decision_id: str
    propensity: float
    context: str
    state: str


class DecideAnswer(Slot, frozen=True, kw_only=True):
    """Answer of `POST /decide/{bandit}`.

    Attributes:
        took: milliseconds inside the service.
        degraded: skipped stages: hydrate, decide, record.
    """

    took: float
    bandit: str
    degraded: list[str]
