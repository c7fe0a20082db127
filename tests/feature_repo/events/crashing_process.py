"""A process that kills itself at its n-th change of the home's files.

    python -m tests.feature_repo.events.crashing_process HOME N compact
    python -m tests.feature_repo.events.crashing_process HOME N ingest FILE MODE
    python -m tests.feature_repo.events.crashing_process HOME N append
    python -m tests.feature_repo.events.crashing_process HOME N transform

It counts every change before it happens. At the n-th it ends as with `kill -9`: nothing is flushed,
closed or unlocked. If it is not killed, it prints the number of changes.
"""

import os
import signal
import sys
import threading
from pathlib import Path

from feature_repo.events.contract import ItemEvent
from feature_repo.events.ingest import ingest
from feature_repo.events.log import EventLog
from feature_repo.home import Clock, Home, Settings
from feature_repo.transformations import transform

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


def main(root, last_change, verb, *arguments):
    """Run one verb."""
    home = Home(Path(root))
    clock = Clock.of(Settings(home))
    switch = KillSwitch(home.root if verb == "transform" else home.log, int(last_change))
    sys.addaudithook(switch.watch)
    if verb == "append":
        append_forever(EventLog(home, clock))
        return
    if verb == "compact":
        EventLog(home, clock).compact()
    elif verb == "transform":
        transform(home, clock.now())
    else:
        ingest([Path(arguments[0])], home=home, clock=clock, mode=arguments[1])
    print(switch.count)


if __name__ == "__main__":
    main(*sys.argv[1:])
