"""Queues and caches of the service are bounded by bytes, however large their entries are."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import ServedEvent, ShownItem
from serving.recording import AnswerLog, answer_log
from serving.recording.answer_log import memory_of
from serving.recording.recent import RecentEntries

BOUND = 4 << 20


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=60))
def test_recent_entries_are_the_last_that_fit(puts):
    recent, expected = RecentEntries[int, int](100), []
    for number, (key, size) in enumerate(puts):
        recent.put(key, number, size)
        expected = [entry for entry in expected if entry[0] != key] + [(key, number, size)]
        while sum(size for *_, size in expected) > 100:
            expected.pop(0)

    assert recent.items() == [(key, number) for key, number, _ in expected]
    assert recent.bytes == sum(size for *_, size in expected)


@pytest.mark.parametrize("items", [1, 50, 1000])
def test_an_answer_log_that_is_not_written_has_bounded_memory(monkeypatch, items):
    monkeypatch.setattr(answer_log, "QUEUE_BYTES", BOUND)
    monkeypatch.setattr(answer_log, "RECENT_BYTES", BOUND)
    answers = AnswerLog(log=None, writer=None, record_share=1.0)
    events = 3 * BOUND // memory_of(an_answer(0, items))

    tracemalloc.start()
    for n in range(events):
        answers.enqueue(an_answer(n, items))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # The queue holds the first answers and the recent ones are the last: nothing is shared.
    assert used < 2 * BOUND
    assert answers.get(f"r{events - 1}") is not None
    assert answers._queued_bytes <= BOUND


def an_answer(n, items):
    return ServedEvent(
        event_id=f"served-{n}",
        event_time=1_600_000_000_000_000 + n,
        request_id=f"r{n}",
        items=tuple(ShownItem(f"item-{n}-{k}", k + n / 7, 1.0) for k in range(items)),
        sources=tuple({f"source{s}": (k, k / 3) for s in range(3)} for k in range(items)),
        considered=tuple(f"other-{n}-{k}" for k in range(items)),
        vectors="A" * (items * 400),
    )
