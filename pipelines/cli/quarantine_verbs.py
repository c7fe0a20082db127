"""`aisle quarantine`: lines that could not be logged, and events that are set aside."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from feature_repo.home import Clock, SettingError, Settings, exclusive, to_text
from pipelines.terminal import Outcome, line, pages, table

if TYPE_CHECKING:
    from feature_repo.events.quarantine import SetAside, StoredEntry

_LISTED = 100
_REFRESH = "Run `aisle refresh`: it computes and loads all features again."


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the arguments of the verb."""
    verb.add_argument(
        "ids", nargs="*", metavar="ID", help="ids of `list`; for add and remove, an event_id"
    )
    verb.add_argument("--all", action="store_true", help="replay every line")
    verb.add_argument("--reason", help="why an event is set aside, one sentence")
    verb.add_argument(
        "--days",
        type=float,
        default=30,
        metavar="N",
        help="prune files last written N days ago (%(default)s)",
    )


def quarantine(args: argparse.Namespace) -> Outcome:
    """Run one of the actions."""
    settings = Settings.from_environment()
    action = {
        "list": _list,
        "show": _show,
        "replay": _replay,
        "prune": _prune,
        "add": _add,
        "remove": _remove,
    }[args.action]
    return action(args, settings)


def _list(_: argparse.Namespace, settings: Settings) -> Outcome:
    from feature_repo.events.log import EventLog
    from feature_repo.events.quarantine import read_entries, read_set_aside

    home = settings.home
    entries = list(read_entries(home.log / "quarantine"))
    aside = read_set_aside(EventLog(home, Clock.of(settings)))
    data = {
        "entries": [_entry(stored) for stored in entries[:_LISTED]],
        "lines": sum(stored.entry.count for stored in entries),
        "set_aside": [_aside(one) for one in aside],
    }
    rows: list[list[object]] = [
        [s.id, s.entry.file, s.entry.line, s.entry.count, s.entry.reason] for s in entries[:_LISTED]
    ]
    events: list[list[object]] = [[s.event_id, to_text(s.at), s.reason] for s in aside]
    return Outcome(
        data,
        pages(
            table("Quarantined lines", ["id", "file", "line", "lines", "reason"], rows),
            table("Events set aside", ["event_id", "at", "reason"], events),
            line(f"{len(entries)} entries of {data['lines']} lines, {len(aside)} events"),
        ),
    )


def _show(args: argparse.Namespace, settings: Settings) -> Outcome:
    from feature_repo.events.quarantine import find_entry

    stored = find_entry(settings.home.log / "quarantine", _only(args))
    data = _entry(stored) | {"text": stored.entry.text, "is_cut": stored.entry.is_cut}
    return Outcome(data, pages(line(stored.entry.reason), line(stored.entry.text)))


def _replay(args: argparse.Namespace, settings: Settings) -> Outcome:
    from feature_repo.events.quarantine import find_entry, read_entries, replay

    home = settings.home
    folder = home.log / "quarantine"
    if not args.all and not args.ids:
        raise SettingError("expected ids of `aisle quarantine list`, or --all, found neither.")
    with exclusive(home, "a replay of quarantined lines", wait=True):
        ids: Sequence[str] = args.ids
        entries = list(read_entries(folder)) if args.all else [find_entry(folder, i) for i in ids]
        report = replay(entries, home=home, clock=Clock.of(settings))
    cut = sum(stored.entry.is_cut for stored in entries)
    data = {
        "read": report.read,
        "accepted": report.accepted,
        "duplicate": report.duplicate,
        "quarantined": report.quarantined.count,
        "cut": cut,
    }
    rows: list[list[object]] = [[name, count] for name, count in data.items()]
    return Outcome(data, table("", ["lines", ""], rows, numbers=1))


def _prune(args: argparse.Namespace, settings: Settings) -> Outcome:
    from feature_repo.events.quarantine import prune_entries

    removed = prune_entries(settings.home.log / "quarantine", args.days)
    return Outcome({"removed_files": removed}, line(f"{removed} files removed"))


def _add(args: argparse.Namespace, settings: Settings) -> Outcome:
    from feature_repo.events.log import EventLog
    from feature_repo.events.quarantine import set_aside

    if not args.reason:
        raise SettingError("expected --reason TEXT, why the event is set aside, found none.")
    clock = Clock.of(settings)
    with exclusive(settings.home, "setting an event aside", wait=True):
        log = EventLog(settings.home, clock)
        aside = set_aside(log, _only(args), args.reason, clock.now())
    return Outcome(_aside(aside), pages(line(f"{aside.event_id} is set aside."), line(_REFRESH)))


def _remove(args: argparse.Namespace, settings: Settings) -> Outcome:
    from feature_repo.events.log import EventLog
    from feature_repo.events.quarantine import put_back

    with exclusive(settings.home, "putting an event back", wait=True):
        aside = put_back(EventLog(settings.home, Clock.of(settings)), _only(args))
    return Outcome(_aside(aside), pages(line(f"{aside.event_id} is back."), line(_REFRESH)))


def _only(args: argparse.Namespace) -> str:
    if len(args.ids) != 1:
        raise SettingError(f"expected one id after {args.action}, found {len(args.ids)}.")
    return str(args.ids[0])


def _entry(stored: "StoredEntry") -> dict[str, Any]:
    entry = stored.entry
    return {
        "id": stored.id,
        "at": datetime.fromtimestamp(stored.at, UTC).isoformat(),
        "file": entry.file,
        "line": entry.line,
        "lines": entry.count,
        "reason": entry.reason,
    }


def _aside(aside: "SetAside") -> dict[str, Any]:
    return {
        "event_id": aside.event_id,
        "kind": aside.event.kind,
        "reason": aside.reason,
        "at": to_text(aside.at),
    }
