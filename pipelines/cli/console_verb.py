"""`aisle console`: the home and its service as pages for a browser."""

import argparse
from contextlib import suppress

from feature_repo.home import Settings
from pipelines.terminal import Outcome, announce, line


def add_options(verb: argparse.ArgumentParser) -> None:
    """Declare the addresses of the console and of the service."""
    verb.add_argument("--host", default="127.0.0.1", help="loopback address (%(default)s)")
    verb.add_argument("--port", type=int, default=3001, help="port (%(default)s)")
    verb.add_argument("--url", default="http://127.0.0.1:3000", help="the service (%(default)s)")


def console(args: argparse.Namespace) -> Outcome:
    """Show the home as pages until interrupted."""
    from pipelines.console import serve
    from pipelines.service import url_of

    settings, url = Settings.from_environment(), url_of(args.host, args.port)
    with suppress(KeyboardInterrupt):
        serve(settings, args.host, args.port, args.url, announce)
    return Outcome({"served": url}, line("Stopped."))
