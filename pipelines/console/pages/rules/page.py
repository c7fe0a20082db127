"""The page of rules: the ones in use or a draft, as a table, a form and text; preview; history."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo.home import SettingError, texts_of
from pipelines.console.content import (
    Block,
    Code,
    Column,
    Content,
    Form,
    FormField,
    Heading,
    Notice,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.console.pages.rules.preview import preview
from pipelines.operation import Change, RulesFile

_ACTIONS = {"boost": "boost", "bury": "bury", "hide": "hide", "pin": "pin"}
_WHEN = ("query", "market", "surface", "from", "until")


def rules(visit: Visit) -> Content:
    """Show the rules in use, or the draft of the address with a preview."""
    file, draft = RulesFile(visit.home), visit.get("draft")
    text = file.read_draft(draft) if draft else file.text
    title = f"Draft of rules {draft}" if draft else "Rules"
    try:
        file.check(text)
    except SettingError as error:
        fault = "The draft" if draft else "The file, which the service does not read,"
        blocks: list[Block] = [Notice(f"{fault} has an error. {error}")]
    else:
        blocks = [_table(text), *(_draft(visit, file, draft, text) if draft else [])]
    return Content(
        title, [*_summary(draft), *blocks, *_editor(visit, text, draft), *_history(visit, file)]
    )


def _summary(draft: str) -> list[Block]:
    if draft:
        return [Text("A draft is not in use.", address("rules"), "The rules in use")]
    return [Text("Rules pin, boost, bury and hide items in searches and recommendations.")]


def _table(text: str) -> Table:
    table = tomllib.loads(text)
    columns = [
        Column("number", "rule"),
        Column("action", "action"),
        Column("what", "items"),
        Column("strength", "factor or position"),
        Column("when", "when"),
    ]
    listed: list[Row] = [
        {
            "number": number,
            "action": rule["action"],
            "what": _in_words(rule.get("items") or rule.get("where")),
            "strength": rule.get("factor", rule.get("position")),
            "when": _when(rule) or "always",
        }
        for number, rule in enumerate(table.get("rule", ()), 1)
    ]
    listed += [
        {
            "number": None,
            "action": name,
            "what": "whole lists",
            "strength": table[name].get("weight", table[name].get("share")),
            "when": _when(table[name]) or "always",
        }
        for name in ("diversity", "exploration")
        if name in table
    ]
    return Table("rules", "Rules in the order of the file", columns, listed, "There are no rules.")


def _when(rule: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {_in_words(rule[name])}" for name in _WHEN if name in rule)


def _in_words(value: Any) -> str:
    match value:
        case dict():
            return ", ".join(f"{name} {_in_words(part)}" for name, part in value.items())
        case list():
            return ", ".join(map(_in_words, value))
    return str(value)


def _draft(visit: Visit, file: RulesFile, draft: str, text: str) -> list[Block]:
    """Show what the draft changes, and for those who signed in the form that publishes it."""
    blocks = preview(visit, file.name, draft, _named(text))
    if not visit.author:
        return blocks
    fields = [
        FormField("draft", "Draft", draft, kind="hidden"),
        FormField("before", "Before", file.name, kind="hidden"),
        FormField("reason", "Reason, one sentence for the history"),
    ]
    form = Form("rules/publish", "Put the draft in use", "Put in use", fields, is_change=True)
    return [*blocks, form]


def _named(text: str) -> list[str]:
    """Return the queries that the rules of a text name."""
    rules = tomllib.loads(text).get("rule", ())
    return [query for rule in rules for query in texts_of(rule, "query", "rule")]


def _editor(visit: Visit, text: str, draft: str) -> list[Block]:
    """Return the forms that make a draft, or the text for readers."""
    if not visit.author:
        return [Code("rules.toml", text)] if text else []
    begun = FormField("draft", "Draft", draft, kind="hidden")
    added = [
        begun,
        FormField("action", "Action", "boost", _ACTIONS),
        FormField("items", "Item ids, with commas between"),
        FormField(
            "where", "Or conditions on fields, one a line, such as brand = Acme", kind="area"
        ),
        FormField("factor", "Factor of boost or bury, above 1"),
        FormField("position", "Position of pin, from 1"),
        FormField("query", "Queries, with commas between; empty for all"),
        FormField("market", "Markets"),
        FormField("surface", "Surfaces, such as search, home"),
        FormField("from", "From, such as 2026-11-27T00:00:00Z"),
        FormField("until", "Until"),
    ]
    number = FormField("number", "Number of the rule")
    written = FormField("text", "The file rules.toml", text, kind="area")
    return [
        Heading("Change"),
        Form("rules/add", "Add a rule", "Add to a draft", added, is_change=True),
        Form("rules/remove", "Remove a rule", "Remove in a draft", [begun, number], is_change=True),
        Form(
            "rules/draft", "Write the rules as text", "Check as a draft", [written], is_change=True
        ),
    ]


def _history(visit: Visit, file: RulesFile) -> list[Block]:
    changes = file.history()
    columns = [
        Column("at", "at"),
        Column("author", "by the key"),
        Column("reason", "reason"),
        Column("name", "rules"),
    ]
    rows: list[Row] = [
        {key: getattr(change, key) or None for key in ("at", "author", "reason", "name")}
        for change in changes
    ]
    table = Table("history", "What was put in use, the newest first", columns, rows)
    return [Heading("History"), table, *(_undo(file, changes) if visit.author else [])]


def _undo(file: RulesFile, changes: Sequence[Change]) -> list[Block]:
    """Return the form that puts earlier rules in use again, where there are some."""
    options = {
        change.name: f"{change.at}: {change.reason}"
        for change in changes
        if change.text != file.text
    }
    if not options:
        return []
    fields = [
        FormField("before", "Before", file.name, kind="hidden"),
        FormField("name", "Rules of", options=options),
        FormField("reason", "Reason, one sentence for the history"),
    ]
    label = "Put earlier rules in use again"
    return [Form("rules/undo", label, "Undo", fields, is_change=True)]
