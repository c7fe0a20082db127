"""The data of a person: its export, and its erasure by those who signed in."""

from feature_repo.home import Clock, to_text
from pipelines.console.content import (
    Block,
    Column,
    Content,
    Form,
    FormField,
    Heading,
    Row,
    Table,
    Text,
    Visit,
    address,
)
from pipelines.inspection import entity, in_words, personal_data, unit_in_words

_ERASURE = (
    "Erasing is final. The service knows nothing of the user at once; the next `aisle refresh` "
    "removes the user from the log, the features and the data sets."
)

_SHOWN = 50
"""Events that the page shows; its twins have all."""


def personal(visit: Visit, subject: entity.Subject) -> list[Block]:
    """Return the link to a user's data, and for those who signed in the form that erases them."""
    if subject.kind != "user":
        return []
    link = address("export", {"user": subject.key})
    text = Text("Everything that the home stores of this user:", link, "Export")
    if not visit.author:
        return [Heading("Data of the user"), text]
    fields = [
        FormField("user", "User", subject.key, kind="hidden"),
        FormField("confirmed", f"Write {subject.key} to confirm"),
    ]
    form = Form("users/erase", "Erase the user", "Erase the user", fields, is_change=True)
    return [Heading("Data of the user"), text, Text(_ERASURE), form]


def export(visit: Visit) -> Content:
    """Show the features and all events of a user; the twin in JSON is the file for the person."""
    user = visit.get("user")
    form = Form("export", "Choose a user", "Show", [FormField("user", "User", user)])
    if not user:
        return Content("Export", [Text("All features and events of one user."), form])
    data = personal_data(visit.home, Clock.of(visit.settings), user)
    features: list[Row] = [
        {
            "feature": one["feature"],
            "value": in_words(one["value"], one["unit"]),
            "unit": unit_in_words(one["unit"]),
            "since": one["since"],
            "description": one["description"],
        }
        for one in data["features"]
    ]
    events: list[Row] = [{**one, "seen_at": to_text(one["seen_at"])} for one in data["events"]]
    twin = address("export.json", {"user": user})
    return Content(
        f"Export of user {user}",
        [
            form,
            Text("The whole export as one file:", twin, "JSON"),
            Table(
                "features",
                "Features that training reads",
                [
                    Column("feature", "feature"),
                    Column("value", "value"),
                    Column("unit", "unit"),
                    Column("since", "since"),
                    Column("description", "description"),
                ],
                features,
            ),
            Table(
                "events",
                "Events of the user, as `aisle ingest` reads them",
                [Column("seen_at", "seen at"), Column("kind", "kind"), Column("event", "event")],
                events,
                "The log has no event of this user.",
                shown=_SHOWN,
            ),
        ],
    )
