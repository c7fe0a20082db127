"""The contracts of feature views: derived from each declaration, with its own conditions."""

from collections.abc import Iterator

from feature_repo.data_contracts.expectation import Expectation
from feature_repo.shop import Shop
from feature_repo.views import ViewSpec

_COUNTED = ("events", "items", "orders")
"""Units of numbers that are never negative."""

_SHARES = ("share",)
"""Units of numbers between 0 and 1."""

_ADVICE = "Correct the SQL of the view, then compute the features again with `aisle refresh`"


def view_expectations(spec: ViewSpec, shop: Shop) -> Iterator[Expectation]:
    """Yield the expectations of the rows of one view."""
    key = f'"{spec.key}"'
    counts = _columns(spec, shop, _COUNTED)
    shares = _columns(spec, shop, _SHARES)
    conditions = {
        "key_present": f"{key} is not null",
        "time_present": "event_timestamp is not null and created_timestamp is not null",
        **({"not_negative": f"coalesce(least({counts}), 0) >= 0"} if counts else {}),
        **(
            {"shares": f"coalesce(least({shares}) >= 0 and greatest({shares}) <= 1, true)"}
            if shares
            else {}
        ),
        **spec.conditions,
    }
    for name, condition in conditions.items():
        yield Expectation(
            name=f"{spec.name}_{name}",
            subject=spec.name,
            sentence=f"Each row meets: {condition}.",
            sql="view_condition",
            parameters={"view": spec.name, "key": key, "condition": condition},
            advice=_ADVICE,
        )
    yield Expectation(
        name=f"{spec.name}_unique",
        subject=spec.name,
        sentence="Each entity has one row at an instant.",
        sql="view_unique",
        parameters={"view": spec.name, "key": key},
        advice=_ADVICE,
    )


def _columns(spec: ViewSpec, shop: Shop, units: tuple[str, ...]) -> str:
    """Return the numbers of some units as a list of SQL names."""
    return ", ".join(
        f'"{field.name}"'
        for field in spec.fields_of(shop)
        if field.unit in units and field.kind in ("integer", "number")
    )
