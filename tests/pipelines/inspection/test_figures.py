"""Figures are computed once for each state, are bounded in bytes, and follow the log."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.doctor import examine
from pipelines.inspection import Figures, log_state
from pipelines.steps import refresh
from tests.integration.http.small_shop import build_home


def test_a_figure_is_computed_again_only_when_its_state_changes():
    figures, computed = Figures(), []

    def compute():
        computed.append(None)
        return {"n": len(computed)}

    values = [figures.get("a", state, compute)["n"] for state in (1, 1, 2, 2, 1)]

    assert values == [1, 1, 2, 2, 3]


def test_a_reader_that_changes_a_figure_changes_no_other_readers():
    figures = Figures()
    figures.get("a", 1, lambda: {"listed": [1]})["listed"].append(2)

    assert figures.get("a", 1, dict) == {"listed": [1]}


def test_figures_are_bounded_in_bytes_and_the_oldest_leave_first():
    figures = Figures(most_bytes=3000)
    for name in range(5):
        figures.get(name, 0, lambda: "x" * 1000)
    computed = []
    for name in (4, 3, 0):
        figures.get(name, 0, lambda name=name: computed.append(name))

    assert computed == [0]


def test_a_figure_that_is_larger_than_the_bound_is_returned_and_not_stored():
    figures = Figures(most_bytes=10)

    assert [figures.get("a", 0, lambda: "x" * 100) for _ in range(2)] == ["x" * 100] * 2
    assert figures.get("a", 0, lambda: "y") == "y"


def test_requests_of_one_figure_wait_for_one_computation():
    figures, began, computed = Figures(), threading.Event(), []

    def compute():
        began.set()
        computed.append(None)
        return len(computed)

    with ThreadPoolExecutor(8) as pool:
        values = [pool.submit(figures.get, "a", 0, compute) for _ in range(8)]

    assert {value.result() for value in values} == {1}


def test_a_computation_that_fails_is_tried_again():
    figures = Figures()
    failures = [lambda: 1 / 0, lambda: 1 / 0, lambda: 5]
    results = []
    for compute in failures:
        try:
            results.append(figures.get("a", 0, compute))
        except ZeroDivisionError:
            results.append(None)

    assert results == [None, None, 5]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return build_home(tmp_path_factory.mktemp("shop") / "home", users=8, items=12, days=2)


def test_the_state_of_the_log_changes_with_a_seal(settings):
    before = log_state(settings.home)
    assert log_state(settings.home) == before

    refresh(settings, wait=True)

    assert log_state(settings.home) != before


def test_the_findings_of_the_console_are_those_of_doctor_and_follow_the_home(settings):
    figures = Figures()

    def findings(stored):
        return [one for one in examine(settings, stored) if one.subject != "clock"]

    assert findings(figures) == findings(None) == findings(figures)
    (settings.home.root / "shop.toml").write_text('name = "renamed"\n')
    assert findings(figures) == findings(None)
    damaged = next(path for path in settings.home.current.glob("*/*/*") if path.is_file())
    damaged.write_bytes(b"damaged")
    assert findings(figures) == findings(None)
    assert "bad" in {one.state for one in findings(figures)}


def test_a_figure_that_takes_longer_is_computed_once_for_later_requests():
    figures, go_on, computed = Figures(), threading.Event(), []

    def compute():
        go_on.wait()
        computed.append(None)
        return "figure"

    early = [figures.soon("a", 0, compute, 0) for _ in range(3)]
    go_on.set()

    assert early == [None] * 3
    assert figures.soon("a", 0, compute, None) == "figure"
    assert figures.get("a", 0, compute) == "figure"
    assert len(computed) == 1


def test_whoever_waits_for_a_figure_gets_its_error():
    with pytest.raises(ZeroDivisionError):
        Figures().soon("a", 0, lambda: 1 / 0, None)
