"""User fields become numeric columns."""

import math

from feature_repo.home import SECOND
from feature_repo.request_features import RequestContext, feature_columns
from feature_repo.request_features.families.user_attributes import user_attributes
from feature_repo.shop import Shop, ShopField
from tests.feature_repo.matrix_columns import NOW, PRIOR, column

PEOPLE = Shop(
    "people",
    (),
    (
        ShopField("device", "category", "device", values=("phone", "Größe 7", "gr e 7")),
        ShopField("tags", "list", "tags"),
        ShopField("member", "bool", "member"),
        ShopField("spent", "number", "spent"),
        ShopField("joined", "time", "joined"),
    ),
)


def columns_of(**values):
    """Return the columns of a shopper's fields, for one candidate."""
    user = {f"user_attributes__{name}": value for name, value in values.items()}
    context = RequestContext(
        t=NOW, item_ids=["a"], user=user | {"user_attributes__present": bool(user)}
    )
    names = [n for n in feature_columns(PEOPLE) if n.startswith("user_attributes__")]
    names += [name for block in user_attributes(context, PEOPLE, PRIOR) for name in block.names]
    return {name: column(context, name, PEOPLE)[0] for name in names}


def test_columns_are_numbers_ages_and_declared_values():
    columns = columns_of(
        device="Größe 7", tags=["x"], member=False, spent=2.5, joined=NOW - 90 * SECOND
    )

    assert columns == {
        "user_attributes__member": 0,
        "user_attributes__spent": 2.5,
        "user_attributes__present": 1,
        "user__device_known": 1,
        "user__device__phone": 0,
        "user__device__gr_e_7": 1,
        "user__device__gr_e_7_2": 0,
        "user__tags_known": 1,
        "user__member_known": 1,
        "user__spent_known": 1,
        "user__joined_known": 1,
        "user__joined_age_seconds": 90,
    }


def test_unknown_shopper_and_undeclared_value():
    nothing, other = columns_of(), columns_of(device="watch", tags=[], spent=None)

    flags = {name: value for name, value in nothing.items() if name.endswith(("known", "present"))}
    assert set(flags.values()) == {0}
    assert all(math.isnan(value) for name, value in nothing.items() if name not in flags)
    assert [other[f"user__{name}_known"] for name in ("device", "tags", "spent")] == [1, 0, 0]
    assert [other[f"user__device__{name}"] for name in ("phone", "gr_e_7")] == [0, 0]
