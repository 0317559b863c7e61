"""Run agentvcr's commands on files, each in a process that may take only so much more memory.

`bounded.py MEGABYTES WARM WORDS...`: reads lines of JSON, each the words of a command, from
standard input, and writes for each a line: its exit status (or minus the signal that ended it),
the megabytes that it took, and what it said. Before that, WARM is shown and verified once, so that
only what a file costs is counted.
"""

import contextlib
import io
import json
import os
import pathlib
import resource
import signal
import sys
import tempfile

from agentvcr.cli.main import run

PATIENCE_S = 60
"""A guard against hanging, and no measure."""
MEGABYTE = 1 << 20
STATM = pathlib.Path("/proc/self/statm")


def command(words):
    """Run a command in this process; gives its exit status."""
    sys.argv = ["agentvcr", *words]
    try:
        run()
    except SystemExit as end:
        return end.code or 0
    return 0


def peak():
    """Give the most megabytes that this process had in memory."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (MEGABYTE if sys.platform == "darwin" else 1024)


def bounded(words, megabytes, out, grown):
    """Run a command in this forked process, and tell what it took; never returns."""
    before = peak()
    os.dup2(out.fileno(), 1)
    os.dup2(out.fileno(), 2)
    signal.alarm(PATIENCE_S)
    if STATM.exists():
        taken = int(STATM.read_text().split()[0]) * resource.getpagesize()
        limit = taken + megabytes * MEGABYTE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    status = 70
    try:
        status = command(words)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(grown, f"{peak() - before:.0f}".encode())
        os._exit(status)


def told(words, megabytes):
    """Fork, and say how it went."""
    with tempfile.TemporaryFile() as out:
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            bounded(words, megabytes, out, writing)
        os.close(writing)
        _, status = os.waitpid(child, 0)
        grown = os.read(reading, 20).decode()
        os.close(reading)
        out.seek(0)
        said = out.read(4000).decode(errors="replace")
    return [os.waitstatus_to_exitcode(status), int(grown or -1), said]


def main():
    megabytes, warm = int(sys.argv[1]), sys.argv[2]
    for words in (["show", warm], ["verify", warm], ["show", "--json", warm]):
        with contextlib.redirect_stdout(io.StringIO()):
            command(words)
    for line in sys.stdin:
        print(json.dumps(told(json.loads(line), megabytes)), flush=True)


if __name__ == "__main__":
    main()
