"""Judgments: CSV and qrels are read, merged and written without loss."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.home import Home, SettingError
from pipelines.operation import JudgmentsFile, parse_judgments

WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
GRADES = st.dictionaries(WORDS, st.integers(0, 100), min_size=1, max_size=4)


@given(judgments=st.dictionaries(WORDS, GRADES, max_size=4))
def test_what_is_added_is_read_again(tmp_path_factory, judgments):
    file = JudgmentsFile(Home(tmp_path_factory.mktemp("home")))

    file.add(judgments)

    assert file.read() == judgments


def test_a_later_grade_replaces_an_earlier_one_and_none_removes_it(home):
    file = JudgmentsFile(home)
    file.add({"red shoes": {"i1": 3, "i2": 0}, "hat, blue": {"i3": 1}})
    file.add({"red shoes": {"i1": 1, "i2": None}})

    assert file.read() == {"red shoes": {"i1": 1}, "hat, blue": {"i3": 1}}


def test_qrels_of_trec_name_their_queries_by_topics():
    qrels = "1 0 i1 3\n1 0 i2 -2\n\nhat 0 i3 1\n"

    assert parse_judgments(qrels, "1\tred shoes\n") == {
        "red shoes": {"i1": 3, "i2": 0},
        "hat": {"i3": 1},
    }


@pytest.mark.parametrize(
    ("text", "topics", "message"),
    [
        ("query,item,grade\na,b\n", "", "line 2: expected query,item,grade"),
        ("a,b,good\n", "", "line 1: expected a whole number"),
        ("a,b,101\n", "", "line 1: expected a grade from 0 to 100"),
        (",b,1\n", "", "line 1: expected a query and an item"),
        ("1 0 i1 3\n1 0 i1\n", "", "line 2: expected topic"),
        ("1 0 i1 3\n", "1 red\n", "line 1: expected a topic, a tab"),
    ],
)
def test_a_wrong_line_is_named(text, topics, message):
    with pytest.raises(SettingError, match=re.escape(message)):
        parse_judgments(text, topics)
