"""Measure what recording and replaying cost, beside bare clients, vcrpy and a mocked transport.

One run: every figure is a median over rounds in which the ways take turns, and every ratio is made
of what was measured in the same round. `--quick` is a smoke run whose figures mean little.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from pathlib import Path

import exchanges
import starts
from exchanges import Place
from figures import Reach, judged
from programs import AGENTVCR, Program, Server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one short round of everything")
    quick = parser.parse_args().quick
    began = time.perf_counter()
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    server = Server()
    with tempfile.TemporaryDirectory(prefix="agentvcr-bench-") as folder:
        place = Place(server.port, Path(folder), 1 if quick else 11, 0.2 if quick else 1)
        try:
            reaches = _measured(place)
        finally:
            server.close()
    print(judged(reaches))
    print(f"\nTook {time.perf_counter() - began:.0f} s.")


def _measured(place: Place) -> list[Reach]:
    start_rounds = place.rounds if place.part < 1 else 15
    target = str(place.folder / "channel.avcr")
    plain = Program(place.port)
    channel = Program(place.port, [AGENTVCR, "record", "-o", target, "--"])
    reaches = exchanges.first_byte(place, plain, channel)
    reaches += exchanges.recording(place, plain, channel)
    exchanges.record_for_replay(place, plain, channel)
    reaches += starts.children(start_rounds, channel.environment)
    channel.close()
    reaches += exchanges.replaying(place, plain)
    plain.close()
    reaches += exchanges.replaying_over_channel(place)
    reaches += starts.parent(start_rounds, place.folder)
    return reaches


if __name__ == "__main__":
    main()
