"""Runs stock `feast` commands, each in a fork of a process that has imported Feast and the product.

    PYTHONPATH=<a copy of the checkout> python feast_forks.py

Each line it reads is a JSON object: `words` of the command, folder `cwd`, variables `environment`
and the file `output`.  It answers with the exit code.  The console script `feast` calls the same
function; the imports that each call saves take six seconds of CPU.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from importlib import import_module

IMPORTED = (
    "feature_repo.catalogue",
    "feature_repo.offline.feast.store",
    "feature_repo.online.feast.store",
    "feature_repo.online.feast.engine",
    "feast.cli.cli",
)


def run(words, cwd, environment, output):
    """Become the command."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = environment["PYTHONPATH"]
    sys.argv = ["feast", *words]
    for stream in (1, 2):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    import_module("feast.cli.cli").cli()


def main():
    """Fork one child per line."""
    for module in IMPORTED:
        import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


@contextmanager
def feast_forks(checkout):
    """Yield a function of words, folder, variables and output file; it returns the exit code.

    Args:
        checkout: the copy whose product the commands use.
    """
    process = subprocess.Popen(
        [sys.executable, __file__],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def feast(words, cwd, environment, output):
        request = {"words": words, "cwd": str(cwd), "environment": environment}
        process.stdin.write(json.dumps({**request, "output": str(output)}) + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    try:
        yield feast
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


if __name__ == "__main__":
    main()
