"""A breaker opens after consecutive failures, pauses, lets one call try, and closes again."""

from dataclasses import dataclass

from feature_repo.online.redis import Breaker


@dataclass
class Hand:
    """A clock that tests move."""

    at: float = 0.0

    def __call__(self):
        return self.at


def opened(hand):
    breaker = Breaker(failures=2, rest_seconds=1.0, clock=hand)
    breaker.failed()
    breaker.failed()
    return breaker


def test_closed_breaker_opens_after_consecutive_failures_only():
    breaker = Breaker(failures=2, clock=Hand())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()

    assert breaker.allows()


def test_open_breaker_refuses_calls_during_the_pause():
    assert not opened(Hand()).allows()


def test_breaker_allows_one_trial_call_after_each_pause():
    hand = Hand()
    breaker = opened(hand)
    hand.at = 1.0

    assert [breaker.allows(), breaker.allows()] == [True, False]


def test_success_closes_the_breaker():
    hand = Hand()
    breaker = opened(hand)
    hand.at = 1.0
    breaker.succeeded()

    assert [breaker.allows(), breaker.allows()] == [True, True]
