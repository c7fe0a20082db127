"""Infer a shop's own fields from its item and user events, with the reasons.

The type of a field follows from the JSON types of its values, how often they repeat among the
entities, how long texts are, and from its name. A person reads and corrects the resulting
`shop.toml`, so each inferred field has its evidence as a comment.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from feature_repo.events.contract import (
    SHOP_KINDS,
    AnyEvent,
    ItemEvent,
    UserEvent,
)
from feature_repo.events.ingest.field_evidence import Evidence
from feature_repo.events.ingest.files import SUFFIXES, EventFiles, Line
from feature_repo.events.ingest.role_hints import ROLE_HINTS, name_rank
from feature_repo.events.ingest.transaction_files import files_of
from feature_repo.events.ingest.transaction_mapping import TableMapping
from feature_repo.home import EventError
from feature_repo.shop import FieldType, Market, Role, Shop, ShopField, language_of, safe_column

Explanations = Mapping[tuple[str, str], str]
"""(`item` or `user`, field name) → the evidence for its type and role."""

MOST_FIELDS = 100
"""Maximum number of fields of an entity, by frequency; an open set of attributes is no schema."""

_LONGEST_TITLE = 120
_NOT_DESCRIBING = tuple(kind for kind in SHOP_KINDS if kind not in ("item", "user"))
"""Kinds without fields of the shop. Their lines are skipped unparsed: most lines of most files."""


@dataclass(frozen=True)
class _InferredField:
    name: str
    type: FieldType
    reason: str
    evidence: Evidence


def infer_shop(
    paths: Sequence[Path], mapping: TableMapping | None = None
) -> tuple[Shop, Explanations]:
    """Infer a shop from the item and user events of files and folders.

    Args:
        paths: files and folders of events; with a mapping, tables of transactions.
        mapping: of the tables.

    Raises:
        LogError: a path does not exist.
    """
    item_evidence, user_evidence = _gather(files_of(paths, mapping))
    items, users = _inferred_fields(item_evidence), _inferred_fields(user_evidence)
    roles = _roles(items)
    explanations = {("item", f.name): _explain(f, roles.get(f.name)) for f in items}
    explanations |= {("user", f.name): _explain(f, None) for f in users}
    name = _shop_name(paths) if mapping is None else mapping.name
    markets = _markets(next((f for f in items if roles.get(f.name, ("",))[0] == "market"), None))
    shop = Shop(name, _shop_fields(items, roles), _shop_fields(users, {}), markets=markets)
    return shop, explanations


def shop_to_toml(shop: Shop, explanations: Explanations) -> str:
    """Return a shop as TOML that `Shop.load` reads, with the explanations as comments."""
    lines = [
        "# The shop's own fields, inferred from its events. Correct wrong guesses:",
        "# type is number, text, category (one of many texts), list (of texts), vector (of",
        "# numbers), time or bool;",
        f"# role is {', '.join(ROLE_HINTS)}, and no two item fields share one;",
        '# values = ["..."] of a user\'s category names those a model reads one by one.',
        f"name = {_quoted(shop.name)}",
    ]
    for entity, fields in (("item", shop.item_fields), ("user", shop.user_fields)):
        for field in fields:
            lines += ["", f"[[{entity}]]"]
            lines += _comment(explanations.get((entity, field.name), ""))
            lines += [f"name = {_quoted(field.name)}", f'type = "{field.type}"']
            lines += [f'role = "{field.role}"'] if field.role else []
            values = ", ".join(map(_quoted, field.values))
            lines += [f"values = [{values}]"] if values else []
            lines += [f"description = {_quoted(field.description)}"] if field.description else []
    for market in shop.markets:
        lines += ["", "[[market]]", f"name = {_quoted(market.name)}"]
        lines += [f"language = {_quoted(market.language)}"]
        lines += ["default = true"] if market.is_default else []
    return "\n".join(lines) + "\n"


def _markets(field: _InferredField | None) -> tuple[Market, ...]:
    """Return the markets that items name, the one with the most items first and the default."""
    if field is None or field.evidence.has_many_texts:
        return ()
    names = [name for name, _ in field.evidence.texts.most_common()]
    return tuple(Market(name, language_of(name), None, n == 0) for n, name in enumerate(names))


def _gather(files: EventFiles) -> tuple[dict[str, Evidence], dict[str, Evidence]]:
    items: dict[str, Evidence] = {}
    users: dict[str, Evidence] = {}
    for line in files:
        for event in _describing(line):
            match event:
                case ItemEvent(item_id=entity, fields=fields):
                    evidence = items
                case UserEvent(user_id=entity, fields=fields):
                    evidence = users
                case _:
                    continue
            for name, value in fields.items():
                evidence.setdefault(name, Evidence()).note(entity, value)
    return items, users


def _describing(line: Line) -> Sequence[AnyEvent]:
    """Return the events of a line; none if its kind describes no item or user."""
    raw = line.raw
    if not isinstance(raw, dict) or raw.get("kind", raw.get("event")) in _NOT_DESCRIBING:
        return ()
    try:
        return line.events()
    except EventError:
        return ()


def _inferred_fields(evidence: Mapping[str, Evidence]) -> list[_InferredField]:
    named = {name: field for name, field in evidence.items() if name and field.values}
    frequent = set(sorted(named, key=lambda name: -named[name].values)[:MOST_FIELDS])
    return [
        _InferredField(name, *field.infer_type(name), field)
        for name, field in named.items()
        if name in frequent
    ]


def _roles(inferred: Sequence[_InferredField]) -> dict[str, tuple[Role, str]]:
    """Assign each role to at most one field, by name: exact names before parts of names.

    Without a match, the title is the short text that differs most between items.
    """
    roles: dict[str, tuple[Role, str]] = {}
    for role, (types, hints) in ROLE_HINTS.items():
        fitting = [f for f in inferred if f.type in types and f.name not in roles]
        ranks = {f.name: rank for f in fitting if (rank := name_rank(f.name, hints)) is not None}
        if ranks:
            roles[min(ranks, key=lambda name: ranks[name])] = (role, "by its name")
        elif role == "title" and (short := [f for f in fitting if _is_title_like(f.evidence)]):
            best = max(short, key=lambda f: f.evidence.distinct_share)
            roles[best.name] = (role, "as the short text that differs most between items")
    return roles


def _is_title_like(evidence: Evidence) -> bool:
    return evidence.mean_length <= _LONGEST_TITLE and evidence.distinct_share > 0.5


def _shop_fields(
    inferred: Sequence[_InferredField], roles: Mapping[str, tuple[Role, str]]
) -> tuple[ShopField, ...]:
    fields: list[ShopField] = []
    for field in inferred:
        column = safe_column(field.name, [existing.column for existing in fields])
        role = roles[field.name][0] if field.name in roles else None
        fields.append(ShopField(field.name, field.type, column, role))
    return tuple(fields)


def _explain(field: _InferredField, role: tuple[Role, str] | None) -> str:
    lines = [f"{field.type}: {field.reason}.", field.evidence.summary()]
    if role is not None:
        lines.append(f"Role {role[0]}: {role[1]}.")
    return "\n".join(lines)


def _shop_name(paths: Sequence[Path]) -> str:
    """Return the name of the first file, or of its folder if the file is called `events`."""
    path = paths[0].resolve()
    stem = next((path.name.removesuffix(s) for s in SUFFIXES if path.name.endswith(s)), path.name)
    return path.parent.name if stem == "events" and path.parent.name else stem


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _comment(text: str) -> list[str]:
    return [
        "# " + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in line)
        for line in text.split("\n")
        if line
    ]
