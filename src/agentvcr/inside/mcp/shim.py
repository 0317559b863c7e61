"""What is run in place of an MCP server: `python shim.py -- SERVER …`, under the session.

Owns nothing but the way to `relay`. Without a session it becomes the server; with `--replay` in
place of `--` it then runs nothing.
"""

import os
import sys


def run() -> None:
    """Stand before the server that the command line names."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    words = sys.argv[2:]
    try:
        from agentvcr.inside import state  # noqa: PLC0415  (there only under a session)
        from agentvcr.inside.mcp import relay  # noqa: PLC0415  (as above)

        is_outside = state.handler is None
    except ImportError:
        is_outside = True
    if is_outside and sys.argv[1] == "--replay":
        os.write(2, b"agentvcr: an MCP server is not under the replay, and is not started\n")
        os._exit(4)
    if is_outside:
        os.execvp(words[0], words)  # noqa: S606  (the server that the program asked for)
    relay.stand_before(words)


if __name__ == "__main__":
    run()
