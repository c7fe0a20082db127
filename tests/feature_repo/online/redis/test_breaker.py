"""A breaker opens after failures in a row, rests, lets one call try, and closes again."""

from dataclasses import dataclass

from feature_repo.online.redis import Breaker


@dataclass
class Hand:
    """A clock moved by hand."""

    at: float = 0.0

    def __call__(self):
        return self.at


def opened(hand):
    breaker = Breaker(failures=2, rest_seconds=1.0, clock=hand)
    breaker.failed()
    breaker.failed()
    return breaker


def test_it_allows_calls_until_so_many_failed_in_a_row():
    breaker = Breaker(failures=2, clock=Hand())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()

    assert breaker.allows()


def test_it_refuses_while_it_rests():
    assert not opened(Hand()).allows()


def test_one_call_a_rest_may_try():
    hand = Hand()
    breaker = opened(hand)
    hand.at = 1.0

    assert [breaker.allows(), breaker.allows()] == [True, False]


def test_a_success_closes_it():
    hand = Hand()
    breaker = opened(hand)
    hand.at = 1.0
    breaker.succeeded()

    assert [breaker.allows(), breaker.allows()] == [True, True]
