"""One process that reads one file in one format, and says what that took.

Run by `cassette_measure` for every figure of reading, so that nothing is in memory but what reading
needs: `python cassette_reading.py FORMAT FILE WANTED`. Owns these clocks, and checks that what was
found is what was written.
"""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NamedTuple, TypedDict

import msgspec
from cassette_ours import Sealed
from cassette_rivals import RIVALS, Format, Found, Wanted

_PATIENCE_S = 3.0
"""Finds are repeated until they took so long."""
_ROUNDS = 3


class Reading(TypedDict):
    """What reading took."""

    number_ms: float
    """Open and find one by its number, with its bodies: the median."""
    request_ms: float
    """Open and find one by what it asks."""
    worst_ms: float
    """The slowest of both."""
    cpu_ms: float
    """CPU of finding one by its number: what is left when others use the machine."""
    all_s: float
    peak_mb: float
    """Most memory while reading one, above that of the same process before."""


def digest(found: Found) -> str:
    """Tell an exchange's bodies from any others."""
    return sha256(b"\n".join(found)).hexdigest()


def _forget_peak() -> None:
    """Let the peak begin anew where the system can do so (Linux); imports have one of their own."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_kb() -> int:
    """Give the most memory of this process; without its parent's, which `ru_maxrss` begins with."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["VmHWM"].split()[0])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


class _Took(NamedTuple):
    """Milliseconds of one find."""

    wall: float
    cpu: float


def _times(
    find: Callable[[Path, Wanted], Found], path: Path, looked_for: list[Wanted]
) -> list[_Took]:
    times: list[_Took] = []
    gc.collect()
    for wanted in looked_for:
        wall, cpu = perf_counter(), process_time()
        found = find(path, wanted)
        times.append(_Took((perf_counter() - wall) * 1000, (process_time() - cpu) * 1000))
        if digest(found) != wanted.digest:
            message = f"exchange {wanted.number} came back otherwise than it was written"
            raise RuntimeError(message)
        if _sum(times) > _PATIENCE_S * 1000:
            break
    return times


def _sum(times: list[_Took]) -> float:
    return sum(one.wall for one in times)


def _finds(form: Format, path: Path, looked_for: list[Wanted]) -> tuple[list[_Took], list[_Took]]:
    """Find by number and by request in turns."""
    by_number: list[_Took] = []
    by_request: list[_Took] = []
    for _ in range(_ROUNDS):
        by_number += _times(form.by_number, path, looked_for)
        by_request += _times(form.by_request, path, looked_for)
        if _sum(by_number) > _PATIENCE_S * 1000:
            break
    return by_number, by_request


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    form: Format = Sealed() if name == Sealed.name else RIVALS[name]()
    looked_for = msgspec.msgpack.decode(Path(sys.argv[3]).read_bytes(), type=list[Wanted])
    gc.collect()
    _forget_peak()
    peak = _peak_kb()
    _times(form.by_number, path, looked_for[:_ROUNDS])
    peak = _peak_kb() - peak
    by_number, by_request = _finds(form, path, looked_for)
    everything: list[float] = []
    while len(everything) < _ROUNDS and sum(everything) < _PATIENCE_S:
        began = perf_counter()
        for _ in form.all(path):
            pass
        everything.append(perf_counter() - began)
    reading = Reading(
        number_ms=median(one.wall for one in by_number),
        request_ms=median(one.wall for one in by_request),
        worst_ms=max(one.wall for one in by_number + by_request),
        cpu_ms=median(one.cpu for one in by_number),
        all_s=median(everything),
        peak_mb=peak / 1024,
    )
    print(json.dumps(reading))


if __name__ == "__main__":
    main()
