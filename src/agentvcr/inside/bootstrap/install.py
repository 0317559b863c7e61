"""Install everything that a recorded process needs, in the order in which it must come.

Owns that order. Each part is another module's, and nothing is loaded that a program without a
client has no use for.
"""

from __future__ import annotations

import atexit
import os

from agentvcr.inside import children, clock, imports, interceptors, lanes, leaving, state, streams
from agentvcr.inside.chance import install as chance
from agentvcr.inside.entry import Entry
from agentvcr.inside.guard import Guard, opening
from agentvcr.inside.imports import when_imported
from agentvcr.inside.off import is_off
from agentvcr.inside.order import install as order
from agentvcr.inside.surroundings import Surroundings

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType


def _follow_processes(entry: Entry) -> None:
    """Follow what the program starts; nothing is loaded for one that starts nothing."""

    def on_subprocess(module: ModuleType) -> None:
        from agentvcr.inside import starts  # noqa: PLC0415  (as above)

        starts.hook_subprocess(module, entry)

    def on_process(module: ModuleType) -> None:
        from agentvcr.inside import processes  # noqa: PLC0415  (as above)

        processes.hook_process(module)

    def on_spawn(module: ModuleType) -> None:
        from agentvcr.inside import processes  # noqa: PLC0415  (as above)

        processes.hook_spawn(module, entry)

    def on_util(module: ModuleType) -> None:
        from agentvcr.inside import processes  # noqa: PLC0415  (as above)

        processes.hook_util(module)

    def on_tests(module: ModuleType) -> None:
        from agentvcr.inside import xdist  # noqa: PLC0415  (as above)

        xdist.hook_runner(module)

    when_imported("subprocess", on_subprocess)
    when_imported("_pytest.runner", on_tests)
    when_imported("multiprocessing.process", on_process)
    when_imported("multiprocessing.spawn", on_spawn)
    when_imported("multiprocessing.util", on_util)


def _follow_surroundings(entry: Entry) -> None:
    """See which files the program reads, and tell of them at its end at the latest."""
    project = os.environ.get("AGENTVCR_PROJECT", "")
    seen = Surroundings(entry.world, project, os.environ["AGENTVCR_ROOT"])
    entry.surroundings = seen
    opening.append(seen.opened)

    def at_end() -> None:
        leaving.leave()  # first: who has nothing else to tell does not tell of files either
        entry.end()
        opening.clear()

    atexit.register(at_end)


def _keep_time(entry: Entry) -> None:
    """Keep what the clock says and in which order things happen, or have both again."""
    keeps_reads = not is_off("clock") and os.environ.get("AGENTVCR_CLOCK") != "real"
    if keeps_reads:
        clock.install(entry, replaying=entry.replaying)
        leaving.before_leaving(clock.flush)
    if not is_off("order"):
        is_virtual = os.environ.get("AGENTVCR_CLOCK") != "real"
        order.install(entry, is_virtual=is_virtual, reads_are_kept=keeps_reads)
        leaving.before_leaving(order.tell)


def start(path_entry: str) -> None:
    """Bring this process under the session that its environment names."""
    lane = lanes.from_variable(os.environ.get("AGENTVCR_LANE", "main"))
    lanes.start(lane, lanes.from_variable(os.environ.get("AGENTVCR_STEP", "")))
    entry = Entry(
        os.environ["AGENTVCR_CHANNEL"],
        os.environ.get("AGENTVCR_TOKEN", ""),
        lane,
        replaying=os.environ.get("AGENTVCR_MODE") == "replay",
    )
    guard = entry.guard = Guard(entry)
    imports.on_failure.append(entry.hook_failed)
    leaving.install()
    chance.start(entry)
    children.remember(path_entry)
    children.hide_variables()
    children.follow_forks(entry)
    children.hook_os(entry)
    _follow_processes(entry)
    when_imported("socket", guard.hook_socket)
    for name, hook in lanes.HOOKS.items():
        when_imported(name, hook)
    if entry.replaying:
        from agentvcr.inside import farewell  # noqa: PLC0415  (a recording has no use for it)

        farewell.install()
        when_imported("threading", farewell.hook_threading)
    _keep_time(entry)
    interceptors.install()
    guard.install()
    streams.install(
        lambda stream, data: entry.tell(b"O", {"stream": stream}, data),
        os.environ.get("AGENTVCR_STREAMS", ""),
    )
    _follow_surroundings(entry)
    if os.environ.get("AGENTVCR_WITNESS"):
        from agentvcr.inside import witness  # noqa: PLC0415  (only a program that is looked at)

        entry.witness = witness.install(entry.world)
    state.activate(entry)
