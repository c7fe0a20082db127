"""Verbs that kill their process at its n-th change of the home's files.

Every change is counted before it happens.  At the n-th the process ends as with `kill -9`: nothing
is flushed, closed or unlocked.  Each process is a fork of one that has imported the product, since
an import takes longer than a verb.

    python -m tests.feature_repo.events.crashing_process HOME

appends until somebody kills it.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from pathlib import Path

from feature_repo.events.contract import ItemEvent
from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Home, Settings, to_text
from feature_repo.transformations import transform
from tests.scale import seconds

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.truncate", "os.link", "os.rmdir"}


class KillSwitch:
    """Counts the changes below a folder, and kills the process at one of them."""

    def __init__(self, folder, last_change):
        self.folder, self.last_change, self.count = str(folder), last_change, 0

    def watch(self, event, arguments):
        """Audit hook of the interpreter."""
        writes = event == "open" and isinstance(arguments[1], str) and arguments[1][:1] in "wax"
        if (writes or event in CHANGES) and str(arguments[0]).startswith(self.folder):
            self.count += 1
            if self.count == self.last_change:
                os.kill(os.getpid(), signal.SIGKILL)


def append_forever(log):
    """Append from four threads, and print the id of each event once it is acknowledged."""
    writer = log.writer()

    def run(thread):
        for n in range(1_000_000):
            (event,) = writer.append(
                [ItemEvent(event_id=f"{thread}-{n}", event_time=1, item_id="i1")]
            )
            os.write(1, f"{event.event_id}\n".encode())

    for thread in range(4):
        threading.Thread(target=run, args=(thread,)).start()


def run_crashing(home, last_change, verb, *arguments):
    """Run a verb in a process that kills itself at a change; 0 is none.

    Returns:
        The exit status, and the number of changes of a process that ended by itself.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    receiver, sender = context.Pipe(duplex=False)
    words = (sender, home.root, last_change, verb, *arguments)
    process = context.Process(target=_run, args=words, daemon=True)
    process.start()
    process.join(seconds(120))
    return process.exitcode, receiver.recv() if process.exitcode == 0 else None


def _run(sender, root, last_change, verb, *arguments):
    home = Home(root)
    # The test wrote the log with a clock of its own.
    clock = Clock.of(Settings(home, clock=to_text(time.time_ns() // 1000)))
    switch = KillSwitch(home.root if verb == "transform" else home.log, last_change)
    sys.addaudithook(switch.watch)
    if verb == "compact":
        EventLog(home, clock).compact()
    elif verb == "transform":
        transform(home, clock.now())
    else:
        path, mode = arguments
        ingest([path], home=home, clock=clock, mode=mode)
    sender.send(switch.count)


if __name__ == "__main__":
    appended = Home(Path(sys.argv[1]))
    append_forever(EventLog(appended, Clock.of(Settings(appended))))
