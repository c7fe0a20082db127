"""The titles of items, for people who read a list of ids."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feature_repo.events.log import EventLog
    from feature_repo.shop import Shop


def item_titles(log: "EventLog", shop: "Shop", items: Sequence[str]) -> dict[str, str]:
    """Return the titles of items by id, as the compacted log has them; empty without such a field.

    Items that the log lacks are absent.
    """
    import duckdb

    title, paths = shop.item_role("title"), [str(path) for path in log.relation_paths("item")]
    if title is None or not paths:
        return {}
    rows = duckdb.execute(
        """
        select item_id, arg_max(json_extract_string(fields, [$path])[1], event_time)
        from read_parquet($paths) where item_id in (select unnest($items))
        group by item_id
        """,
        {"path": f"$.{json.dumps(title.name)}", "paths": paths, "items": [*items]},
    ).fetchall()
    return {item: text or "" for item, text in rows}
