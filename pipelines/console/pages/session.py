"""The page on which a person signs in, to change what the console shows."""

from pipelines.console.content import Content, Form, FormField, Text, Visit


def sign_in(visit: Visit) -> Content:
    """Ask for the secret of a key."""
    if visit.author:
        return Content("Sign in", [Text(f"You are signed in with the key {visit.author}.")])
    field = FormField("key", "Secret of a key with the scope operate", kind="password")
    text = (
        "Who signs in may change models, rules and judgments, start shoppers, and export and erase "
        "users. Make a key with `aisle key create NAME --scope operate --scope answers --scope "
        "events --scope users --scope metrics`; the secret is shown once. The first key of a home "
        "also closes its service to requests without a key."
    )
    form = Form("session", "Sign in", "Sign in", [field], is_change=True)
    return Content("Sign in", [Text(text), form])
