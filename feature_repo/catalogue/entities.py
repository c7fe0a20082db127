"""What a feature describes."""

from feast import Entity, ValueType

item = Entity(
    name="item",
    join_keys=["item_id"],
    value_type=ValueType.STRING,
    description="Something the shop offers; its id is text.",
)

user = Entity(
    name="user",
    join_keys=["user_id"],
    value_type=ValueType.STRING,
    description="A shopper, by the id the shop's events carry.",
)

query = Entity(
    name="query",
    join_keys=["query_key"],
    value_type=ValueType.STRING,
    description="A query's text and market, folded by `query_key`; a blank text is no query.",
)

market = Entity(
    name="market",
    join_keys=["market"],
    value_type=ValueType.STRING,
    description="Where the shop sells, as its rankings name it; `default` where they do not.",
)

BY_NAME: dict[str, Entity] = {entity.name: entity for entity in (item, user, query, market)}
