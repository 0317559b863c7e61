"""What is run in place of an MCP server: `python shim.py -- SERVER …`, under the session.

Owns nothing but the way to `relay`. Without a session it becomes the server.
"""

import os
import sys


def run() -> None:
    """Stand before the server that the command line names."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    words = sys.argv[2:]
    try:
        from agentvcr.inside.mcp import relay  # noqa: PLC0415  (there only under a session)
    except ImportError:
        os.execvp(words[0], words)  # noqa: S606  (the server that the program asked for)
    relay.stand_before(words)


if __name__ == "__main__":
    run()
