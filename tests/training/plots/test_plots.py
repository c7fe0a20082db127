"""Every plot has a title, a description and its figures as a table, and escapes all names."""

import math
from html.parser import HTMLParser

import pytest

from training.plots import (
    Mark,
    bars,
    buckets,
    calibration,
    chain,
    distribution,
    forest,
    lines,
    sparkline,
)

HOSTILE = '"><script>alert(1)</script>'
MARKS = [Mark("ranker", 0.6, 0.5, 0.7, "0.6", main=True), Mark(HOSTILE, -0.1, -0.2, 0.1, "-0.1")]

PLOTS = {
    "bars": bars("key", HOSTILE, MARKS),
    "forest": forest("key", HOSTILE, MARKS),
    "lines": lines("key", HOSTILE, ["1", HOSTILE], {HOSTILE: [0.1, 0.2], "b": [0.2, 0.2]}, "k"),
    "sparkline": sparkline("key", HOSTILE, ["a", HOSTILE], [1.0, 3.0]),
    "sparkline of one value": sparkline("key", HOSTILE, ["a"], [1.0]),
    "distribution": distribution("key", HOSTILE, [1.0, 2.0, math.nan], 9.0, HOSTILE),
    "distribution of equal values": distribution("key", HOSTILE, [2.0, 2.0], 2.0, HOSTILE),
    "distribution of no value": distribution("key", HOSTILE, [math.nan], 2.0, HOSTILE),
    "buckets": buckets("key", HOSTILE, [1.0, 2.0], {HOSTILE: [1, 0, 3], "b": [0, 2, 1]}),
    "buckets without an edge": buckets("key", HOSTILE, [], {"a": [1], HOSTILE: [2]}),
    "chain": chain("key", HOSTILE, {HOSTILE: [HOSTILE, "b"], "empty": [], "end": [HOSTILE]}),
    "calibration": calibration("key", HOSTILE, [0.0, 1.0], [0.1, 0.4], (2.0, 0.4)),
    "calibration of one point": calibration("key", HOSTILE, [0.0], [0.0]),
}


class Elements(HTMLParser):
    """The elements of a plot, and the texts of some."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self._open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_data(self, data):
        self.texts.setdefault(self._open[-1], []).append(data)


@pytest.fixture(params=PLOTS, ids=str)
def drawn(request):
    return Elements(PLOTS[request.param].__html__())


def test_a_screen_reader_reads_title_and_description(drawn):
    svg = next(attributes for tag, attributes in drawn.tags if tag == "svg")
    ids = {attributes["id"] for _, attributes in drawn.tags if "id" in attributes}

    assert svg["role"] == "img"
    assert set(svg["aria-labelledby"].split()) == ids
    assert drawn.texts["title"]
    assert drawn.texts["desc"]


def test_the_figures_are_a_table_below_the_drawing(drawn):
    tags = [tag for tag, _ in drawn.tags]

    assert tags.count("table") == tags.count("details") == 1
    assert len(drawn.texts["td"]) >= 1


def test_no_name_becomes_an_element(drawn):
    assert "script" not in [tag for tag, _ in drawn.tags]


def test_no_coordinate_is_missing(drawn):
    numbers = [
        value
        for _, attributes in drawn.tags
        for name, value in attributes.items()
        if name in ("x", "y", "x1", "x2", "y1", "y2", "width", "height", "cx", "cy", "points")
    ]

    assert not [value for value in numbers if "nan" in value or "inf" in value]


def test_a_distribution_counts_every_value():
    table = distribution("key", "title", [1.0, 1.5, 2.0, math.nan]).table

    assert sum(int(row[1]) for row in table.rows) == 4
    assert table.rows[-1] == ["missing", "1"]


@pytest.mark.parametrize("draw", [bars, forest])
def test_a_figure_without_an_interval_is_drawn_without_one(draw):
    marks = [Mark("few users", 0.3, None, None, "0.3"), Mark("many", 0.6, 0.5, 0.7, "0.6")]

    plot = draw("key", "title", marks)

    assert plot.svg.count('class="interval"') == 1
    assert plot.table.rows[0] == ["few users", "0.3", "–", "–"]
