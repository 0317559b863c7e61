"""Seal a cassette, saying on standard output what is about to happen: a byte for each step.

`crash_seal.py FILE [--room BYTES] [--die STEP]`: `.` is progress, `!` something done to a file by
name. With `--room` no file can become larger, as on a disk that is full; with `--die` it is killed
at that step.
"""

import argparse
import itertools
import os
import pathlib
import resource
import signal
import sys

from agentvcr.cassette.seal import seal

NAMED = {"open", "os.chmod", "os.link", "os.remove", "os.rename", "os.truncate"}

parser = argparse.ArgumentParser()
parser.add_argument("file", type=pathlib.Path)
parser.add_argument("--room", type=int)
parser.add_argument("--die", type=int)
asked = parser.parse_args()
steps = itertools.count()


def step(kind):
    if next(steps) == asked.die:
        os.kill(os.getpid(), signal.SIGKILL)
    os.write(1, kind)


def audit(event, _arguments):
    if event in NAMED:
        step(b"!")


if asked.room is not None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (asked.room, asked.room))
sys.addaudithook(audit)
seal(asked.file, progress=lambda *_: step(b"."))
