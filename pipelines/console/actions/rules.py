"""Changes of the rules: drafts, their publication, and undo."""

from pipelines.console.actions.action import Outcome
from pipelines.console.content import Visit, address
from pipelines.operation import Change, RulesFile, add_rule, remove_rule


def draft_rules(visit: Visit) -> Outcome:
    """Store the text of the form as a draft."""
    return _drafted(RulesFile(visit.home), visit.parameters.get("text", ""))


def draft_rule(visit: Visit) -> Outcome:
    """Store a draft with one more rule, which a form describes."""
    rules = RulesFile(visit.home)
    return _drafted(rules, add_rule(_begun(rules, visit), visit.parameters))


def draft_removal(visit: Visit) -> Outcome:
    """Store a draft without one of its rules."""
    rules, number = RulesFile(visit.home), visit.get("number")
    return _drafted(
        rules, remove_rule(_begun(rules, visit), int(number) if number.isdecimal() else 0)
    )


def publish_rules(visit: Visit) -> Outcome:
    """Put a draft in use."""
    rules = RulesFile(visit.home)
    text = rules.read_draft(visit.get("draft"))
    return _published(_publish(rules, visit, text))


def undo_rules(visit: Visit) -> Outcome:
    """Put the text of an earlier publication in use again."""
    rules, name = RulesFile(visit.home), visit.get("name")
    text = next((one.text for one in rules.history() if one.name == name), None)
    return _published(_publish(rules, visit, rules.read_draft(name) if text is None else text))


def _publish(rules: RulesFile, visit: Visit, text: str) -> Change:
    return rules.publish(
        text, before=visit.get("before"), author=visit.author, reason=visit.get("reason")
    )


def _begun(rules: RulesFile, visit: Visit) -> str:
    """Return the text that a change begins with: a draft, or the one in use."""
    name = visit.get("draft")
    return rules.read_draft(name) if name else rules.text


def _drafted(rules: RulesFile, text: str) -> Outcome:
    name = rules.save_draft(text)
    return Outcome(address("rules", {"draft": name}), "The draft is stored; it is not in use.")


def _published(change: Change) -> Outcome:
    text = "The rules are in use; a running service reads them within a second."
    return Outcome(address("rules"), f"{text} They have the name {change.name}.")
