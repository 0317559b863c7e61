"""Stand before an MCP server that a client starts by the command line.

Owns finding the session that the client belongs to, also where the client gave us no environment of
its own. What is done then is `inside.mcp`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentvcr.inside import state
from agentvcr.inside.interceptors.mcp_stdio import SHIM
from agentvcr.inside.mcp.relay import stand_before

_CHANNEL = "AGENTVCR_CHANNEL"
_NOBODY = (
    "agentvcr: nothing records or replays here; the MCP server runs as it is: {}\n"
    "  try:   agentvcr record -- CMD, where CMD is what starts this server\n"
)
_MOST_ABOVE = 64


def run_server(words: Sequence[str]) -> None:
    """Be the server that `words` start; does not return."""
    if state.handler is None:
        above = session_above()
        if above:
            env = joined(os.environ, above)
            os.execve(sys.executable, [sys.executable, SHIM, "--", *words], env)  # noqa: S606  (the server)
        sys.stderr.write(_NOBODY.format(words[0]))
        sys.stderr.flush()
    stand_before(list(words))


def joined(own: Mapping[str, str], session: Mapping[str, str]) -> dict[str, str]:
    """Bring a session's variables into an environment, before its own modules."""
    paths = [session.get("PYTHONPATH", "").split(os.pathsep)[0], own.get("PYTHONPATH", "")]
    return {**own, **session, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def session_above() -> dict[str, str]:
    """Find the session of a process above this one: many clients hand on a few variables only."""
    pid = os.getppid()
    for _ in range(_MOST_ABOVE):
        folder = Path("/proc") / str(pid)
        try:
            raw = (folder / "environ").read_bytes()
            status = (folder / "stat").read_text(errors="replace")
        except OSError:  # not Linux, somebody else's, or gone
            return {}
        pairs = (os.fsdecode(one).partition("=") for one in raw.split(b"\0"))
        found = {name: value for name, _, value in pairs if name.startswith("AGENTVCR_")}
        if _CHANNEL in found:
            path = next((one for one in raw.split(b"\0") if one.startswith(b"PYTHONPATH=")), b"")
            return {**found, "PYTHONPATH": os.fsdecode(path.partition(b"=")[2])}
        pid = int(status.rpartition(")")[2].split()[1])
        if pid <= 1:
            break
    return {}
