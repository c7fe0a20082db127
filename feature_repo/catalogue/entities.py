"""The entities that features describe."""

from feast import Entity, ValueType

from feature_repo.views import JOIN_KEYS

_DESCRIPTIONS = {
    "item": "A product or other item of the shop; its id is text.",
    "user": "A shopper, by the id in the shop's events.",
    "session": "A visit of a browser or device, by the id in the shop's events.",
    "query": "A query's text and market, folded by `query_key`; a blank text is not a query.",
    "market": "A market of the shop, as named in its rankings; `default` if they name none.",
    "arm": "A choice of a bandit in one context, as bandit/context/arm.",
}

BY_NAME: dict[str, Entity] = {
    name: Entity(
        name=name,
        join_keys=[key],
        value_type=ValueType.STRING,
        description=_DESCRIPTIONS[name],
    )
    for name, key in JOIN_KEYS.items()
}
"""Entity by name, in the order of `JOIN_KEYS`."""
