"""The demo on a terminal: its steps, the evaluation, and two slates next to each other."""

import argparse
import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feature_repo.home import Clock, NotEnoughError, SettingError, Settings
from pipelines.steps import home_redis
from pipelines.terminal import Outcome, Page, line, pages, show, table

if TYPE_CHECKING:
    from pipelines.demo.demo import Demo

_CONSOLE_PORT = 3001


def run(args: argparse.Namespace) -> Outcome:
    """Run the demo; without `--once` the service runs until Ctrl-C."""
    from pipelines.demo.demo import Demo, choose_port, demo_settings

    events = _existing(args.events)
    settings = demo_settings(
        Settings.from_environment(), events, has_home=bool(os.environ.get("AISLE_HOME"))
    )
    progress = _Progress(quiet=args.json)
    progress.print(f"Home: {settings.home.root}")
    demo = Demo(settings, events, args.users, announce=progress.step)
    with home_redis(settings):
        evaluation, missing = _prepared(demo)
        with demo.serve(choose_port(args.port), wait=args.wait) as client:
            shown = demo.show(client)
            showcase = None if shown is None else shown.to_dict()
            data = {
                "home": str(settings.home.root),
                "seconds": demo.seconds,
                "evaluation": evaluation,
                "missing": missing,
                "slates": {when: showcase[when]["items"] for when in ("before", "after")}
                if showcase
                else {},
                "showcase": showcase,
            }
            page = _page(evaluation, missing, showcase)
            if args.once:
                return Outcome(data, page)
            show(Outcome(data, page), args.json)
            _wait(client.url, showcase, demo.settings)
    return Outcome({"stopped": True}, line("Stopped."))


def _prepared(demo: "Demo") -> tuple[dict[str, Any] | None, str | None]:
    """Return the evaluation of the ranker, or why there is none yet."""
    try:
        return demo.prepare(), None
    except NotEnoughError as error:
        return None, str(error)


def _page(
    evaluation: dict[str, Any] | None, missing: str | None, showcase: dict[str, Any] | None
) -> Page:
    from training.evaluation import print_evaluation

    parts = [] if missing is None else [line(missing)]
    if evaluation is not None:
        parts.append(lambda console: print_evaluation(evaluation, console))
    if showcase is not None:
        parts.append(_slates(showcase))
    return pages(*parts)


def _existing(path: Path | None) -> Path | None:
    if path is None:
        return None
    if not path.exists():
        raise SettingError(f"{path}: expected a file of events, found no file.")
    return path.resolve()


def _slates(showcase: dict[str, Any]) -> Page:
    question = showcase["question"]
    before = [item["item"] for item in showcase["before"]["items"]]
    titles = {move["item"]: move["title"] for move in showcase["moves"]}
    rows: list[list[object]] = [
        [
            position,
            _named(before[position - 1], titles),
            _named(move["item"], titles),
            _moved(move),
            move["why"],
        ]
        for position, move in enumerate(showcase["moves"], 1)
    ]
    query = f" searching “{question['query']}”" if question["query"] else ""
    return pages(
        line(f"\nA slate for user {question['user']}{query}; clicked: {showcase['clicked']}"),
        table("", ["", "before the click", "after the click", "moved", "why"], rows),
    )


def _named(item: str, titles: dict[str, str]) -> str:
    title = titles.get(item, "")
    return f"{item} {title}"[:36].strip()


def _moved(move: dict[str, Any]) -> str:
    up = move["before"] - move["after"]
    return f"↑ {up}" if up > 0 else f"↓ {-up}" if up < 0 else "·"


def _wait(url: str, showcase: dict[str, Any] | None, settings: Settings) -> None:
    """Name what a person can try, and show the console until Ctrl-C."""
    from pipelines.console import serve
    from pipelines.demo.demo import choose_port
    from pipelines.service import url_of

    now, port = Clock.of(settings).now(), choose_port(None, usual=_CONSOLE_PORT)
    commands = [] if showcase is None else _commands(url, showcase["question"], now)
    tries = [f"curl {url}/recommend/home -d '{{}}'", *commands, f"curl {url}/metrics"]
    lines = "".join(f"  {command}\n" for command in tries)
    with suppress(KeyboardInterrupt):
        sys.stderr.write(
            f"\nThe service is up at {url}.  Try:\n{lines}Ctrl-C stops the service and Redis.\n"
            f"See it personalize: the storefront is at {url}/shop/\n"
            f"See what is behind: the console is at {url_of('127.0.0.1', port)}/\n"
        )
        serve(settings, "127.0.0.1", port, url, lambda _: None)
    sys.stderr.write("\n")


def _commands(url: str, question: dict[str, Any], now: int) -> list[str]:
    """Return commands that rank a slate of a shopper, and send a click."""
    items = ",".join(f'{{"id":"{item}"}}' for item in question["items"][:5])
    body = f'{{"user":"{question["user"]}","items":[{items}]}}'
    click = (
        f'{{"event":"interaction","id":"my-click-{now}","type":"click",'
        f'"timestamp":{now // 1000},'
        f'"user":"{question["user"]}","item":"{question["items"][0]}"}}'
    )
    return [
        f"curl {url}/rank/default -d {shlex.quote(body)}",
        f"curl {url}/feedback -d {shlex.quote(click)}",
    ]


class _Progress:
    """Prints progress on standard error, so that standard output has only results."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def print(self, text: str) -> None:
        if not self._quiet:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    def step(self, name: str, seconds: float | None) -> None:
        if seconds is None and sys.stderr.isatty() and not self._quiet:
            sys.stderr.write(f"  {name} …\r")
            sys.stderr.flush()
        elif seconds is not None:
            self.print(f"  {name:<20} {seconds:6.1f} s")
