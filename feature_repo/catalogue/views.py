"""What every feature view of this house shares: its source, no ttl, a freshness, a part."""

from collections.abc import Mapping
from datetime import timedelta

from feast import Entity, FeatureView, Field
from feast.types import Int64, String

from feature_repo.catalogue.sources import rows_of
from feature_repo.home import Home

PART = Field(
    name="part",
    dtype=Int64,
    description="Part of the log that holds the entity's last event in this row; no model input.",
    tags={"role": "bookkeeping"},
)


def view(
    home: Home,
    name: str,
    entity: Entity,
    features: list[Field],
    *,
    description: str,
    freshness: str,
    tags: Mapping[str, str] | None = None,
) -> FeatureView:
    """A feature view over the rows of its name.

    Args:
        home: where the rows lie.
        name: of the view, of its SQL file and of its folder of rows.
        entity: whom it describes; its join key is the first column of the schema.
        features: what it says; the bookkeeping field `part` follows them.
        description: for people.
        freshness: `live`, or `batch:<period>` where serving sees the last boundary's row.
        tags: more of them.
    """
    key = Field(name=entity.join_key, dtype=String, description=f"Id of the {entity.name}.")
    return FeatureView(
        name=name,
        entities=[entity],
        ttl=timedelta(0),
        schema=[key, *features, PART],
        source=rows_of(home, name),
        online=True,
        description=description,
        tags={"freshness": freshness, **(tags or {})},
    )
