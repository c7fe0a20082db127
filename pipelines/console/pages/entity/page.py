"""The page of an entity: its features offline and online, and the events behind them."""

from typing import Any

from redis import RedisError as ClientError

from feature_repo.home import HOUR, RedisError, to_text
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.redis import redis_client
from feature_repo.online.redis import server as redis_server
from feature_repo.shop import Shop
from pipelines.console.content import (
    Block,
    Column,
    Content,
    Figure,
    Form,
    FormField,
    Heading,
    Loading,
    Notice,
    Row,
    Table,
    Text,
    Visit,
)
from pipelines.console.pages.entity.personal import personal
from pipelines.inspection import entity as features_of
from pipelines.inspection import feature_state, histories, in_words, unit_in_words
from training.plots import sparkline

_DRAWN = 6
"""Features whose history is drawn."""


def entity(visit: Visit) -> Content:
    """Show what is stored about a user, session, item, query or market."""
    words = visit.get("of")
    form = Form(
        "entity",
        "Choose an entity",
        "Show",
        [FormField("of", "Entity, such as user:42, session:7, item:i1 or query:red shoes", words)],
    )
    if not words:
        text = "Its features are shown as training reads them and as a request reads them."
        return Content("Entity", [Text(text), form])
    subject = features_of.Subject.of(words)
    values = features_of.offline(visit.home, subject, visit.now)
    events = features_of.events(visit.home, subject, visit.now)
    online, notices = _online(visit, subject)
    rows: list[Row] = [_row(one, online) for one in values]
    return Content(
        f"{subject.kind} {subject.key}",
        [
            form,
            *notices,
            Text(f"{len(rows)} features at {to_text(visit.now)[:19]}Z."),
            *([] if online is None else [Text(_difference(rows))]),
            *_history(visit, subject),
            Heading("Values"),
            Table("features", "Features as training and as a request reads them", _COLUMNS, rows),
            _events(events),
            *personal(visit, subject),
        ],
    )


def _history(visit: Visit, subject: features_of.Subject) -> list[Block]:
    """Draw the features that changed most often within the last days."""
    state = feature_state(visit.home), visit.now // HOUR
    listed = visit.soon(
        ("history", subject), state, lambda: histories(visit.home, subject, visit.now)
    )
    if listed is None:
        return [Loading("The last 30 days")]
    if not listed:
        return []
    chosen = sorted(listed, key=lambda one: -one.changes)[:_DRAWN]
    sparks = [
        Figure(
            sparkline(f"history-{number}", f"{one.feature}, {one.unit}", one.at, one.values),
            f"{one.feature}: {in_words(one.values[-1], one.unit)} {unit_in_words(one.unit)}",
        )
        for number, one in enumerate(chosen)
    ]
    text = f"The {len(chosen)} features of {len(listed)} that changed most often, day by day."
    return [Heading("The last 30 days"), Text(text), *sparks]


_COLUMNS = [
    Column("feature", "feature"),
    Column("offline", "training reads"),
    Column("online", "a request reads"),
    Column("differs", "they differ"),
    Column("since", "unchanged since"),
    Column("unit", "unit"),
    Column("description", "description"),
]


def _online(
    visit: Visit, subject: features_of.Subject
) -> tuple[dict[str, Any] | None, list[Block]]:
    """Return the online features by name; None, and a notice, where Redis is away."""
    try:
        if redis_server.is_alive(visit.settings):
            with redis_client(redis_server.address_of(visit.settings)) as client:
                shop = Shop.load(visit.home.shop_toml)
                reader = OnlineReader(visit.home, shop, client)
                return features_of.online(reader, subject, visit.now), []
        cause = "it does not answer"
    except (RedisError, ClientError) as error:
        cause = str(error)
    text = (
        f"Redis is away ({cause}), so only offline features are shown. Start it with "
        "`aisle redis start`, or `aisle serve`."
    )
    return None, [Notice(text)]


def _difference(rows: list[Row]) -> str:
    differ = sum(bool(row["differs"]) for row in rows)
    return f"{differ} of them differ online, where events since the last refresh count too."


def _row(feature: dict[str, Any], online: dict[str, Any] | None) -> dict[str, Any]:
    unit = feature["unit"]
    offline = in_words(feature["value"], unit)
    is_read = online is not None and feature["feature"] in online
    value = in_words(online[feature["feature"]], unit) if online and is_read else None
    return {
        "feature": feature["feature"],
        "offline": offline,
        "online": value,
        "differs": None if value is None else value != offline,
        "since": _minute(feature["since"]),
        "unit": unit_in_words(unit),
        "description": feature["description"],
    }


def _minute(instant: str | None) -> str | None:
    """Return an instant of the offline store up to its minute."""
    return instant and f"{instant[:16].replace('T', ' ')} UTC"


def _events(events: list[dict[str, Any]]) -> Table:
    columns = [
        Column("seen_at", "seen at"),
        Column("kind", "kind"),
        Column("what", "what happened"),
        Column("event", "event"),
    ]
    empty = (
        "No compacted event is about it; `aisle refresh` compacts new ones. Slates with an item "
        f"are looked for among the newest {features_of.SEARCHED_SLATES:,}."
    )
    return Table("events", "Newest events", columns, events, empty)
