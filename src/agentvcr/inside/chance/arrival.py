"""Keep processes apart that have one name, such as all that one shell script starts.

Owns the file in the session's folder in which each process of a run signs when it starts. Without
it two of them would draw the same numbers, and so would a program that `exec` puts in the place of
itself.
"""

from __future__ import annotations

import os

from agentvcr.inside.chance.stream import SEED_SIZE, hashed

_FILE = "arrivals"
_ENTRY = 16


def own_seed(seed: bytes, lane: str, address: str) -> bytes:
    """Make the seed of a process that starts; the first one of its name has that of the run.

    Args:
        seed: What it was given.
        lane: The name.
        address: The channel's, in whose folder processes sign.
    """
    if not address.startswith("unix:"):
        return seed
    try:
        return _signed(seed, lane, os.path.join(os.path.dirname(address[5:]), _FILE))
    except OSError:  # the engine is gone, and its folder with it
        return seed


def _signed(seed: bytes, lane: str, path: str) -> bytes:
    file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        while True:
            entry = hashed(seed, "arrival " + lane, _ENTRY)
            os.write(file, entry)
            end = os.lseek(file, 0, os.SEEK_CUR)
            os.lseek(file, 0, os.SEEK_SET)
            before = os.read(file, end)[: end - _ENTRY]
            place = sum(before[at : at + _ENTRY] == entry for at in range(0, len(before), _ENTRY))
            if not place:
                return seed
            # It signs with the new one too: what it starts, and what follows it, differ from it.
            seed = hashed(seed, "another %s %d" % (lane, place), SEED_SIZE)
    finally:
        os.close(file)
