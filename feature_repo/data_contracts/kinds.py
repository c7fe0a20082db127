"""The contracts of event kinds; those of a shop's own fields follow from `shop.toml`."""

from collections.abc import Iterator

from feature_repo.data_contracts.expectation import Expectation
from feature_repo.events.contract import OTHER_TYPES, POSITIVE_TYPES
from feature_repo.shop import Shop, ShopField
from feature_repo.views import quoted_text

_FEW, _SOME, _MANY = 0.01, 0.05, 0.2
"""Shares of rows that may differ: of a fault that nobody makes on purpose, of one that a late or
lost event causes, and of what a shop may change."""

_LEAST = 5
"""Fewer differing rows are no violation, since a share of a few rows says little."""

_NOT_NEGATIVE = ("price", "list_price", "stock")


_LEAST_OF_REQUESTS = 20
"""One lost ranking leaves all its interactions, some ten, without their request."""


def kind_expectations(shop: Shop) -> Iterator[Expectation]:
    """Yield the expectations of all kinds in one shop."""
    for position, field in enumerate(shop.item_fields, start=1):
        yield from _field_expectations(position, field)
    yield from _references()
    yield from _volumes()
    types = {*POSITIVE_TYPES, *OTHER_TYPES, *shop.contract.types}
    yield Expectation(
        name="interaction_types_new",
        subject="interaction",
        sentence="Each type of interaction occurs in the history, is built in or is declared.",
        sql="interaction_types_new",
        parameters={"types": ", ".join(map(quoted_text, sorted(types)))},
        allowed_share=_FEW,
        least=_LEAST,
        advice="Declare the type under [contract] types of shop.toml, or correct the sender",
    )
    yield Expectation(
        name="interaction_type_mix",
        subject="interaction",
        sentence="A type's share of the interactions of the last day differs from that of the 28 "
        "days before by at most 25 points.",
        sql="interaction_type_mix",
        advice="Find which sender sends more or fewer events of this type",
    )


def _field_expectations(position: int, field: ShopField) -> Iterator[Expectation]:
    reader = "text" if field.type == "category" else field.type
    of_field = {"position": str(position), "reader": f"as_{reader}"}
    yield Expectation(
        name=f"item_{field.column}_missing",
        subject="item",
        sentence=f"New items, and changes of `{field.name}`, have a value, as in the history.",
        sql="item_missing",
        parameters=of_field,
        allowed_share=_MANY,
        least=_LEAST,
    )
    yield Expectation(
        name=f"item_{field.column}_unreadable",
        subject="item",
        sentence=f"Each value of `{field.name}` can be read as its declared type.",
        sql="item_unreadable",
        parameters=of_field,
        allowed_share=_SOME,
        least=_LEAST,
        advice="Correct the sender, or the type of the field in shop.toml",
    )
    if field.role in _NOT_NEGATIVE:
        yield Expectation(
            name=f"item_{field.column}_negative",
            subject="item",
            sentence=f"No value of `{field.name}` is negative.",
            sql="item_negative",
            parameters=of_field,
            allowed_share=_FEW,
            least=_LEAST,
        )
    if field.role in ("price", "list_price"):
        yield Expectation(
            name=f"item_{field.column}_jumps",
            subject="item",
            sentence=f"No value of `{field.name}` becomes five times as large, or a fifth.",
            sql="item_jumps",
            parameters=of_field,
            allowed_share=_SOME,
            least=_LEAST,
            advice="Compare unit and currency of the sender with earlier values",
        )
    if field.type == "category":
        yield Expectation(
            name=f"item_{field.column}_new_values",
            subject="item",
            sentence=f"Changed items have values of `{field.name}` that occur in the history.",
            sql="item_new_values",
            parameters=of_field,
            allowed_share=_MANY,
            least=_LEAST,
            advice="Check whether the sender renamed its categories",
        )


def _references() -> Iterator[Expectation]:
    for kind in ("ranking", "interaction"):
        yield Expectation(
            name=f"{kind}_items_exist",
            subject=kind,
            sentence=f"Each item of {kind} events was described by an item event.",
            sql=f"{kind}_items_exist",
            allowed_share=_SOME,
            least=_LEAST,
            advice="Send the missing item events, or compare the ids of both senders",
        )
    yield Expectation(
        name="interaction_requests_exist",
        subject="interaction",
        sentence="Each request id of an interaction belongs to a ranking or an answer.",
        sql="interaction_requests_exist",
        allowed_share=_MANY,
        least=_LEAST_OF_REQUESTS,
        advice="Send the missing rankings, or correct the request ids",
    )
    yield Expectation(
        name="ranking_requests_unique",
        subject="ranking",
        sentence="Each request id belongs to one ranking.",
        sql="ranking_requests_unique",
        allowed_share=_FEW,
        least=_LEAST,
        advice="Give each slate a request id of its own",
    )
    yield Expectation(
        name="ranking_visitors_missing",
        subject="ranking",
        sentence="Rankings name a user or a session, as in the history.",
        sql="ranking_visitors_missing",
        allowed_share=_MANY,
        least=_LEAST,
    )


def _volumes() -> Iterator[Expectation]:
    for kind in ("ranking", "interaction"):
        yield Expectation(
            name=f"{kind}_volume",
            subject=kind,
            sentence=f"A market has a fifth to five times as many {kind} events on the last day as "
            "on a median day of the 28 before.",
            sql="volume",
            parameters={"kind": kind},
            advice="Find what the sender left out or sent too often",
        )
