"""Install everything that a recorded process needs, in the order in which it must come.

Owns that order. Each part is another module's.
"""

from __future__ import annotations

import os
from functools import partial

from agentvcr.inside import children, farewell, interceptors, lanes, state, streams
from agentvcr.inside.channel import Link, RemoteHandler
from agentvcr.inside.frames import OUTPUT
from agentvcr.inside.guard import Guard, hook_socket
from agentvcr.inside.imports import when_imported


def start(path_entry: str) -> None:
    """Bring this process under the session that its environment names."""
    lane = os.environ.get("AGENTVCR_LANE", "main")
    lanes.start(lane)
    link = Link(os.environ["AGENTVCR_CHANNEL"], os.environ.get("AGENTVCR_TOKEN", ""), lane)
    handler = RemoteHandler(link, replaying=os.environ.get("AGENTVCR_MODE") == "replay")
    children.remember(path_entry)
    children.follow_forks(link)
    children.hook_os()
    when_imported("subprocess", children.hook_subprocess)
    when_imported("multiprocessing.util", children.hook_multiprocessing)
    when_imported("socket", partial(hook_socket, handler=handler))
    for name, hook in lanes.HOOKS.items():
        when_imported(name, hook)
    if handler.replaying:
        farewell.install()
        when_imported("threading", farewell.hook_threading)
    interceptors.install()
    Guard(handler).install()
    streams.install(lambda stream, data: handler.tell(OUTPUT, {"stream": stream}, data))
    state.activate(handler)
