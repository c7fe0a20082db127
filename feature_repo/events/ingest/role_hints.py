"""The names that shops give to the fields with a role, and the types that such fields have."""

from collections.abc import Mapping, Sequence

from feature_repo.events.ingest.field_evidence import words_of
from feature_repo.shop import FieldType, Role

_NAMES: Mapping[Role, str] = {
    "list_price": "list_price msrp rrp uvp original_price old_price regular_price was_price "
    "compare_at_price strike_price listenpreis prix_barre",
    "image": "image img picture photo thumbnail image_url image_link bild imagen",
    "title": "title name headline titel titre titulo bezeichnung nom",
    "category": "category categories genre genres department section topic kategorie categorie "
    "categoria",
    "brand": "brand manufacturer maker vendor designer publisher marke marque marca",
    "price": "price cost preis prix precio prezzo",
    "stock": "stock inventory availability available bestand lagerbestand lager",
    "market": "market markets country countries locale marketplace markt land",
    "group": "group item_group_id group_id parent parent_id parent_sku style_id product_group "
    "model_id variant_group",
    "text": "description text body summary details beschreibung descripcion",
}
"""Role → names, the likeliest first. A list price is no price: of two roles whose names share a
word, the role with the longer names comes first."""

_TYPES: Mapping[Role, tuple[FieldType, ...]] = {
    "list_price": ("number",),
    "image": ("text", "category"),
    "title": ("text",),
    "category": ("category", "list"),
    "brand": ("category",),
    "price": ("number",),
    "stock": ("number", "bool"),
    "market": ("category", "list"),
    "group": ("category", "text"),
    "text": ("text",),
}
ROLE_HINTS = {role: (_TYPES[role], tuple(names.split())) for role, names in _NAMES.items()}
"""Role → the types of its field, and its names."""


def name_rank(name: str, hints: Sequence[str]) -> tuple[bool, int] | None:
    """Return how well a field's name fits the hints, smaller is better; None if it does not.

    >>> name_rank("listPrice", ["price"]), name_rank("price", ["cost", "price"])
    ((True, 0), (False, 1))
    """
    words = words_of(name)
    parts = [hint.split("_") for hint in hints]
    matches = [n for n, part in enumerate(parts) if {*part} <= {*words}]
    exact = [n for n in matches if parts[n] == words]
    if exact:
        return False, exact[0]
    return (True, matches[0]) if matches else None
