"""One rule as text: what a form adds to `rules.toml`, or removes from it, by lines.

The text of all other rules, with its comments, does not change.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from feature_repo.home import SettingError

_HEADER = re.compile(r"^\s*\[")
_RULE = re.compile(r"^\s*\[\[\s*rule\s*\]\]\s*(#.*)?$")

_NUMBERS = ("factor", "position")
_INSTANTS = ("from", "until")
_LISTS = ("items", "query", "market", "surface")


def add_rule(text: str, fields: Mapping[str, str]) -> str:
    """Return a text with one more rule at its end.

    Args:
        fields: by key of a rule, what a person wrote; a list has commas between its texts, and
            `where` a condition a line, such as `brand = Acme`.  Empty ones are left out.
    """
    lines = ["[[rule]]", f"action = {_quoted(fields.get('action', ''))}"]
    for name in _LISTS:
        if parts := _split(fields.get(name, ""), ","):
            lines.append(f"{name} = [{', '.join(map(_quoted, parts))}]")
    if conditions := _split(fields.get("where", ""), "\n"):
        lines.append(f"where = {{ {', '.join(map(_condition, conditions))} }}")
    for name in (*_NUMBERS, *_INSTANTS):
        if value := fields.get(name, "").strip():
            lines.append(f"{name} = {_plain(value)}")
    before = text.rstrip()
    return "\n".join([*([before, ""] if before else []), *lines]) + "\n"


def remove_rule(text: str, number: int) -> str:
    """Return a text without one of its rules.

    Args:
        number: of the rule, from 1.

    Raises:
        SettingError: there is no such rule, or its lines cannot be told from the others.
    """
    rules = _rules(text)
    if not 1 <= number <= len(rules):
        raise SettingError(f"rule: expected a number from 1 to {len(rules)}, found {number}.")
    lines = text.split("\n")
    headers = [n for n, line in enumerate(lines) if _HEADER.match(line)]
    starts = [n for n in headers if _RULE.match(lines[n])]
    if len(starts) == len(rules):
        start = starts[number - 1]
        end = next((n for n in headers if n > start), len(lines))
        shorter = "\n".join(lines[:start] + lines[end:])
        if _rules(shorter) == rules[: number - 1] + rules[number:]:
            return shorter
    raise SettingError("rule: expected each rule under its line [[rule]]; remove it in the text.")


def _rules(text: str) -> list[Any]:
    try:
        rules: list[Any] = tomllib.loads(text).get("rule", [])
    except ValueError as error:
        raise SettingError(f"rules: expected TOML: {error}.") from None
    return rules


def _condition(line: str) -> str:
    name, equals, value = line.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise SettingError(f"where: expected a line such as brand = Acme, found {line!r}.")
    return f"{_quoted(name.strip())} = {_quoted(value.strip())}"


def _plain(value: str) -> str:
    """Return a number or an instant; another text stays one, which the check of rules names."""
    try:
        parsed = tomllib.loads(f"value = {value}")["value"] if "\n" not in value else None
    except ValueError:
        parsed = None
    is_text = parsed is None or isinstance(parsed, str | list | dict)
    return _quoted(value) if is_text else value


def _split(text: str, sign: str) -> Sequence[str]:
    return [part.strip() for part in text.split(sign) if part.strip()]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
