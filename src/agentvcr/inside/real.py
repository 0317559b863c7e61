"""The real clock, for our own code: what the program reads may be what its recording read.

Owns these names, bound before anything is replaced. Whatever of ours tells when something happened
takes them from here.
"""

from __future__ import annotations

from time import (
    asctime,
    ctime,
    gmtime,
    localtime,
    monotonic,
    monotonic_ns,
    perf_counter,
    perf_counter_ns,
    sleep,
    strftime,
    time,
    time_ns,
)

__all__ = [
    "asctime",
    "ctime",
    "gmtime",
    "localtime",
    "monotonic",
    "monotonic_ns",
    "perf_counter",
    "perf_counter_ns",
    "sleep",
    "strftime",
    "time",
    "time_ns",
]
