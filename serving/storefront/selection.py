"""The filters of a list, as parameters of its address and as a form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from starlette.datastructures import QueryParams

from feature_repo.shop import Shop, ShopField

MOST_FACETS, MOST_VALUES = 6, 8
VALUE, LOW, HIGH = "f.", "min.", "max."
"""Prefixes of the parameters: `f.brand=Acme`, `min.price=10`, `max.price=50`."""

_LISTED_TYPES = ("category", "list", "bool")


@dataclass(frozen=True)
class Selection:
    """The filters that a shopper chose.

    Attributes:
        values: by name of a field, the chosen values.
        ranges: by name of a number field, `min`, `max` or both.
        problems: what could not be read, for the shopper.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ranges: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is chosen."""
        return not self.values and not self.ranges

    def filters(self, shop: Shop) -> dict[str, Any]:
        """Return the filters of a search body."""
        fields = shop.fields_of("item")
        chosen = {
            name: values[0] == "true" if fields[name].type == "bool" else list(values)
            for name, values in self.values.items()
        }
        return chosen | {name: dict(limits) for name, limits in self.ranges.items()}

    def parameters(self) -> list[tuple[str, str]]:
        """Return the parameters of an address."""
        values = [(f"{VALUE}{name}", v) for name, chosen in self.values.items() for v in chosen]
        limits = [
            (f"{LOW if end == 'min' else HIGH}{name}", f"{number:g}")
            for name, ends in self.ranges.items()
            for end, number in ends.items()
        ]
        return [*values, *limits]


@dataclass(frozen=True)
class Option:
    """A value of a facet."""

    value: str
    count: int | None
    is_chosen: bool


@dataclass(frozen=True)
class FacetForm:
    """A field of the form.

    Attributes:
        options: values to choose; empty for a range.
        span: lowest and highest value of the matching items; None for values.
        limits: the chosen range.
    """

    name: str
    options: tuple[Option, ...] = ()
    span: tuple[float, float] | None = None
    limits: Mapping[str, float] = field(default_factory=dict)


def read_selection(parameters: QueryParams, shop: Shop) -> Selection:
    """Read the filters of an address; fields that the shop does not declare are left out."""
    fields = shop.fields_of("item")
    values: dict[str, list[str]] = {}
    ranges: dict[str, dict[str, float]] = {}
    problems = []
    for key, text in parameters.multi_items():
        prefix, _, name = key.partition(".")
        declared = fields.get(name)
        if declared is None or not text.strip():
            continue
        if f"{prefix}." == VALUE and declared.type in _LISTED_TYPES:
            values.setdefault(name, []).append(text)
        elif f"{prefix}." in (LOW, HIGH) and declared.type == "number":
            number = _number(text)
            if number is None:
                problems.append(f"{name}: expected a number, found “{text}”; it has no effect.")
            else:
                ranges.setdefault(name, {})[prefix] = number
    return Selection(values, ranges, tuple(problems))


def facet_fields(shop: Shop) -> list[ShopField]:
    """Return the fields of the form: those with a role first, then other listed values."""
    roles = [shop.item_role("category"), shop.item_role("brand"), shop.price_field]
    named = [one for one in roles if one is not None and one.type != "text"]
    others = [one for one in shop.item_fields if one.type in _LISTED_TYPES and one.role is None]
    return [*named, *others][:MOST_FACETS]


def facet_forms(
    shop: Shop, counts: Mapping[str, Sequence[Mapping[str, Any]]], selection: Selection
) -> list[FacetForm]:
    """Return the form of the matching items' fields; a chosen value stays in it."""
    forms = []
    for one in facet_fields(shop):
        summary = counts.get(one.name, [])
        if one.type == "number":
            limits = selection.ranges.get(one.name, {})
            span = (summary[0]["min"], summary[0]["max"]) if summary else None
            if span is not None or limits:
                forms.append(FacetForm(one.name, span=span or (0.0, 0.0), limits=limits))
            continue
        chosen = selection.values.get(one.name, ())
        if options := (*_options(summary, chosen), *_missing(summary, chosen)):
            forms.append(FacetForm(one.name, options))
    return forms


def _options(summary: Sequence[Mapping[str, Any]], chosen: Sequence[str]) -> Iterable[Option]:
    for n, one in enumerate(summary):
        value = str(one["value"])
        if n < MOST_VALUES or value in chosen:
            yield Option(value, one["count"], value in chosen)


def _missing(summary: Sequence[Mapping[str, Any]], chosen: Sequence[str]) -> Iterable[Option]:
    listed = {str(one["value"]) for one in summary}
    return (Option(value, None, True) for value in chosen if value not in listed)


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if isfinite(number) else None
