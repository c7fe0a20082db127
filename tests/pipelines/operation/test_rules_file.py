"""Rules as a file: drafts, checks, publications with history, and one rule as text."""

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.home import SettingError
from pipelines.operation import RulesFile, add_rule, remove_rule
from training.rules import RULES_FILE

RULE = '[[rule]]\naction = "hide"\nitems = ["i1"]\n'
OTHER = '[[rule]]\naction = "pin"\nitems = ["i2"]\n'


@pytest.fixture
def rules(home):
    home.root.mkdir(parents=True)
    return RulesFile(home)


def publish(rules, text, reason="why", **changed):
    arguments = {"before": rules.name, "author": "anna", "reason": reason}
    return rules.publish(text, **arguments | changed)


def test_a_publication_is_what_the_service_reads_and_has_a_line_in_the_history(rules, home):
    publish(rules, RULE, "the first")
    publish(rules, OTHER, "the second")

    assert (home.root / RULES_FILE).read_text() == OTHER == rules.text
    changes = [(one.author, one.reason, one.text) for one in rules.history()]
    assert changes == [("anna", "the second", OTHER), ("anna", "the first", RULE)]


def test_rules_that_were_changed_outside_are_in_the_history_before_the_next_publication(rules):
    (rules.home.root / RULES_FILE).write_text(RULE)
    publish(rules, OTHER)

    assert [one.text for one in rules.history()] == [OTHER, RULE]
    assert rules.history()[1].author == ""


@pytest.mark.parametrize(
    ("text", "changed", "message"),
    [
        ("[[rule]", {}, "expected TOML"),
        ('[[rule]]\naction = "raise"\n', {}, "rule 1.action"),
        (RULE, {"reason": "  "}, "reason: expected one sentence"),
        (RULE, {"before": "0" * 16}, "Somebody changed them meanwhile"),
    ],
)
def test_what_cannot_be_published_changes_nothing(rules, text, changed, message):
    publish(rules, OTHER)

    with pytest.raises(SettingError, match=re.escape(message)):
        publish(rules, text, **changed)

    assert rules.text == OTHER
    assert len(rules.history()) == 1


def test_a_draft_may_have_an_error_and_is_read_by_its_name_alone(rules):
    name = rules.save_draft("[[rule]")

    assert rules.read_draft(name) == "[[rule]"
    for wrong in ("0" * 16, "../rules", "", name + "/"):
        with pytest.raises(SettingError, match="expected the name of a stored draft"):
            rules.read_draft(wrong)


def test_old_drafts_are_removed(rules, home):
    names = [rules.save_draft(f"# {n}") for n in range(60)]

    assert rules.read_draft(names[-1]) == "# 59"
    assert len([*home.root.glob("rules.drafts/*.toml")]) == 50


FIELD_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(texts=st.lists(st.tuples(FIELD_TEXTS, FIELD_TEXTS), max_size=4), data=st.data())
def test_a_rule_of_a_form_is_added_and_removed_and_the_others_stay(texts, data):
    text = "# a comment\n[diversity]\nweight = 0.5\n"
    expected = []
    for items, query in texts:
        text = add_rule(text, {"action": "hide", "items": items, "query": query})
        listed = {
            name: parts
            for name, value in (("items", items), ("query", query))
            if (parts := [part.strip() for part in value.split(",") if part.strip()])
        }
        expected.append({"action": "hide"} | listed)

    assert tomllib.loads(text) == {"diversity": {"weight": 0.5}} | (
        {"rule": expected} if expected else {}
    )
    if expected:
        number = data.draw(st.integers(1, len(expected)))
        shorter = tomllib.loads(remove_rule(text, number))
        assert shorter.get("rule", []) == expected[: number - 1] + expected[number:]
        assert shorter["diversity"] == {"weight": 0.5}


def test_numbers_instants_and_conditions_of_a_form_have_their_types():
    fields = {"action": "boost", "where": "brand = Acme\ncolor = red", "factor": "3"}
    text = add_rule("", fields | {"until": "2026-11-30T00:00:00Z", "position": "1]\nx"})

    (rule,) = tomllib.loads(text)["rule"]
    assert rule["where"] == {"brand": "Acme", "color": "red"}
    assert (rule["factor"], rule["until"].year, rule["position"]) == (3, 2026, "1]\nx")


@pytest.mark.parametrize("number", [0, 3])
def test_a_rule_that_is_absent_cannot_be_removed(number):
    with pytest.raises(SettingError, match="expected a number from 1 to 2"):
        remove_rule(RULE + OTHER, number)


def test_a_rule_that_has_no_line_of_its_own_is_removed_by_hand():
    with pytest.raises(SettingError, match="remove it in the text"):
        remove_rule('rule = [{action = "hide", items = ["i1"]}]', 1)
