"""The comparison of a shadow reads the log: scores of both, and clicks on what was shown."""

import msgspec
import pytest

from feature_repo.events.contract import InteractionEvent, ServedEvent, ShownItem
from feature_repo.home import DatasetError, Home
from tests.feature_repo.histories import START, write_log, write_shop
from training.evaluation import compare_shadow

ITEMS = "abc"


def served(n, shadow_scores=(1.0, 2.0, 3.0)):
    return ServedEvent(
        event_id=f"s{n}",
        event_time=START + n,
        received_at=START + n,
        request_id=f"r{n}",
        user_id=f"u{n % 5}",
        items=tuple(ShownItem(item, 3.0 - k, 1.0) for k, item in enumerate(ITEMS)),
        model_version="old",
        shadow_version="new",
        shadow_scores=shadow_scores,
    )


def click(n, item, **fields):
    at = START + 1000 + n
    return InteractionEvent(
        event_id=f"c{n}{item}",
        event_time=at,
        received_at=at,
        item_id=item,
        type="click",
        request_id=f"r{n}",
        **fields,
    )


@pytest.fixture
def compared(tmp_path):
    def compare(*events):
        home = Home(tmp_path)
        write_shop(home, "")
        write_log(home, events)
        return compare_shadow(home, "new")

    return compare


def test_clicks_on_what_the_shadow_puts_first_speak_for_it(compared):
    report = compared(*map(served, range(40)), *(click(n, "c") for n in range(30)))

    assert (report.answers, report.clicked) == (40, 30)
    assert (report.same_first, report.same_top) == (0.0, 1.0)
    assert report.difference.value == pytest.approx(0.5)
    assert report.difference.low > 0
    assert "orders clicked items better" in report.sentence


def test_clicks_on_what_was_shown_first_speak_against_it(compared):
    report = compared(*map(served, range(40)), *(click(n, "a") for n in range(30)))

    assert report.difference.high < 0
    assert "orders it lower" in report.sentence


def test_equal_orders_differ_in_nothing(compared):
    answers = [served(n, (0.3, 0.2, 0.1)) for n in range(40)]

    report = compared(*answers, *(click(n, "b") for n in range(30)))

    assert (report.same_first, report.same_top, report.difference.value) == (1.0, 1.0, 0.0)


def test_a_corrected_click_does_not_count(compared):
    taken_back = msgspec.structs.replace(
        click(2, "c", corrects="c1c"), event_id="correction", request_id=None
    )

    report = compared(*map(served, range(9)), click(1, "c"), taken_back)

    assert (report.clicked, report.difference) == (0, None)


def test_without_an_answer_the_error_says_what_to_do(compared):
    with pytest.raises(DatasetError, match="--model shadow"):
        compared(msgspec.structs.replace(served(1), shadow_version="other"))
