"""Features of the catalogue at past instants, through Feast's historical join on our store.

`feature_repo.offline.feast.store` accepts Arrow tables and preserves the order of the entity rows,
so one call joins every view.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView

    from feature_repo.catalogue import Catalogue
    from feature_repo.offline.feast.retrieval_job import AisleRetrievalJob

EVENT_TIMESTAMP = "event_timestamp"


def features_at(
    store: "FeatureStore",
    catalogue: "Catalogue",
    keys: pa.Table | pd.DataFrame,
    views: "Sequence[FeatureView]",
    on_disk: bool = False,
) -> pa.Table:
    """Join each row of `keys` with the features of its entities strictly before its instant.

    Args:
        store: the home's feature store; its registry must have the views.
        catalogue: of the same home; its feature service selects the features of a view.
        keys: n rows with the views' join keys, null for no entity, and
            `event_timestamp`.
        views: of the catalogue.
        on_disk: write the result to disk and return it memory-mapped.

    Returns:
        n rows in the same order; `<view>__<feature>`, null where missing, and `<view>__present`,
        whether the view had a row.
    """
    table = keys if isinstance(keys, pa.Table) else pa.Table.from_pandas(keys, preserve_index=False)
    used = dict.fromkeys([*(view.join_keys[0] for view in views), EVENT_TIMESTAMP])
    job = store.get_historical_features(
        entity_df=table.select(list(used)),
        features=[f"{view.name}:{name}" for view in views for name in _features(catalogue, view)],
        full_feature_names=True,
        filter_by_created_timestamp=True,
    )
    joined = cast("AisleRetrievalJob", job).to_disk() if on_disk else job.to_arrow()
    columns: dict[str, pa.ChunkedArray] = {}
    for view in views:
        columns |= {f"{view.name}__{name}": None for name in _features(catalogue, view)}
        columns[f"{view.name}__present"] = joined[f"{view.name}__part"].is_valid()
    return pa.table(
        {name: joined[name] if column is None else column for name, column in columns.items()}
    )


def _features(catalogue: "Catalogue", view: "FeatureView") -> list[str]:
    """Return the features of a view that the feature service reads."""
    projections = catalogue.ranking_v1.feature_view_projections
    return [f.name for p in projections if p.name == view.name for f in p.features]
