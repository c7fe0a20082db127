"""A process that is killed at its n-th change of the home's files.

    python -m tests.feature_repo.events.crashing_process HOME N compact
    python -m tests.feature_repo.events.crashing_process HOME N ingest FILE MODE
    python -m tests.feature_repo.events.crashing_process HOME N append
    python -m tests.feature_repo.events.crashing_process HOME N transform

Before each change it counts; at the n-th it kills itself as `kill -9` would, with nothing
flushed, closed or unlocked.  Without a kill it prints the number of changes.
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


class Fate:
    """Counts changes below a folder, and ends the process at one of them."""

    def __init__(self, folder, fatal):
        self.folder, self.fatal, self.count = str(folder), fatal, 0

    def watch(self, event, arguments):
        """An audit hook."""
        writes = event == "open" and isinstance(arguments[1], str) and arguments[1][:1] in "wax"
        if (writes or event in CHANGES) and str(arguments[0]).startswith(self.folder):
            self.count += 1
            if self.count == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)


def append_for_ever(log):
    """Append from four threads, and say of each event that it is acknowledged once it is."""
    writer = log.writer()

    def run(thread):
        for n in range(1_000_000):
            (event,) = writer.append(
                [ItemEvent(event_id=f"{thread}-{n}", event_time=1, item_id="i1")]
            )
            os.write(1, f"{event.event_id}\n".encode())

    for thread in range(4):
        threading.Thread(target=run, args=(thread,)).start()


def main(root, fatal, verb, *arguments):
    """Run one verb towards its end."""
    home = Home(Path(root))
    clock = Clock.of(Settings(home))
    fate = Fate(home.root if verb == "transform" else home.log, int(fatal))
    sys.addaudithook(fate.watch)
    if verb == "append":
        append_for_ever(EventLog(home, clock))
        return
    if verb == "compact":
        EventLog(home, clock).compact()
    elif verb == "transform":
        transform(home, clock.now())
    else:
        ingest([Path(arguments[0])], home=home, clock=clock, mode=arguments[1])
    print(fate.count)


if __name__ == "__main__":
    main(*sys.argv[1:])
