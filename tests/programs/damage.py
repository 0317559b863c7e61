"""Damage a cassette in many ways, one after the other, and say which were not noticed.

`damage.py FILE WORK [--flips SEED COUNT] [--cuts EVERY] [--verifies EVERY] [--repairs EVERY]
[--groups]`: flips single
bits at random, and cuts the file at each EVERYth byte; each EVERYth of these is verified and
repaired as well.
WORK is the damaged file's name. With `--groups` groups are small. Writes a line for each wrong. May
take 256 MB more than it had after the file that is whole.
"""

import argparse
import pathlib
import random
import resource
import traceback

from agentvcr.cassette import pack
from tests.unit.cassette.damaged import told_by, wrongs

MEGABYTES = 256
STATM = pathlib.Path("/proc/self/statm")

parser = argparse.ArgumentParser()
parser.add_argument("file", type=pathlib.Path)
parser.add_argument("work", type=pathlib.Path)
parser.add_argument("--flips", type=int, nargs=2, default=(0, 0))
parser.add_argument("--cuts", type=int)
parser.add_argument("--repairs", type=int, default=1)
parser.add_argument("--verifies", type=int, default=1)
parser.add_argument("--groups", action="store_true")


def small_groups():
    """Have what is small in many groups, as what is large is."""
    pack.GROUP, pack.ONE_FRAME, pack.BLOCK = 1500, 0, 5


def limit():
    """Let this process take only so much more."""
    if STATM.exists():
        taken = int(STATM.read_text().split()[0]) * resource.getpagesize()
        most = taken + MEGABYTES * (1 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def damaged(data, asked):
    """Give every damaged file, with its name."""
    seed, count = asked.flips
    chance = random.Random(seed)
    for _ in range(count):
        bit = chance.randrange(8 * len(data))
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        yield f"bit {bit}", changed
    for size in range(0, len(data), asked.cuts or len(data)):
        yield f"cut at {size}", data[:size]


def main():
    asked = parser.parse_args()
    if asked.groups:
        small_groups()
    data, whole = asked.file.read_bytes(), told_by(asked.file)
    is_journal = data.startswith(b"AVCRJ")
    limit()
    for turn, (name, changed) in enumerate(damaged(data, asked)):
        asked.work.write_bytes(changed)
        done = {
            "is_journal": is_journal,
            "verifies": turn % asked.verifies == 0,
            "repairs": turn % asked.repairs == 0,
        }
        try:
            for wrong in wrongs(asked.work, whole, **done):
                print(f"{name}: {wrong}")
        except Exception:  # noqa: BLE001 - whatever it is, it is no clear error
            print(f"{name}: {traceback.format_exc()}")
    print("done")


if __name__ == "__main__":
    main()
