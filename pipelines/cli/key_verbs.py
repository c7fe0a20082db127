"""`aisle key`: API keys of the HTTP service."""

import argparse
from pathlib import Path

from feature_repo.home import ApiKeys, Settings, exclusive
from pipelines.terminal import Outcome, line, pages, table


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the name, and what a new key may do."""
    verb.add_argument("name", nargs="?", help="who uses the key")
    verb.add_argument(
        "--scope",
        action="append",
        default=[],
        help="for create: answers, events, users, metrics or operate; may be repeated",
    )
    verb.add_argument("--rate", type=float, help="for create: requests a second of a process (any)")


def key(args: argparse.Namespace) -> Outcome:
    """Create, list or revoke keys."""
    home = Settings.from_environment().home
    if args.action == "list":
        return _listed(ApiKeys.load(home.api_keys) or ApiKeys())
    with exclusive(home, "a change of keys", wait=True):
        keys = ApiKeys.load(home.api_keys) or ApiKeys()
        change = _create if args.action == "create" else _revoke
        return change(keys, args, home.api_keys)


def _create(keys: ApiKeys, args: argparse.Namespace, path: Path) -> Outcome:
    """Create a key; its secret is printed once and stored only as a hash."""
    grown, secret = keys.with_new(args.name or "", args.scope, args.rate)
    grown.save(path)
    note = "Shown only once.  Send it as `Authorization: Bearer …`, or set AISLE_KEY to it."
    data = {"name": args.name, "scopes": list(grown.keys[args.name].scopes), "secret": secret}
    return Outcome(data, pages(line(secret), line(note)))


def _revoke(keys: ApiKeys, args: argparse.Namespace, path: Path) -> Outcome:
    """Revoke a key; a running service notices within a second."""
    remaining = keys.without(args.name or "")
    remaining.save(path)
    return Outcome({"revoked": args.name, "left": list(remaining.keys)})


def _listed(keys: ApiKeys) -> Outcome:
    listed = list(keys.keys.values())
    data = {"keys": [{"name": k.name, "scopes": list(k.scopes), "rate": k.rate} for k in listed]}
    rows: list[list[object]] = [[k.name, ", ".join(k.scopes), k.rate or "any"] for k in listed]
    return Outcome(data, table("Keys", ["name", "scopes", "requests/s"], rows))
