"""`agentvcr mcp`: stand before an MCP server, for a client that we are not in."""

from typing import Annotated

import typer


def mcp(
    server: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[--] SERVER …", help="The command that starts the server, with its arguments."
        ),
    ] = None,
) -> None:
    """Be the MCP server SERVER on standard streams: recorded, replayed, or as it is.

    For clients that are not Python: name `agentvcr mcp -- SERVER` as the server's command. A client
    of the Python MCP SDK needs none of this. Outside of a session SERVER runs as it is.
    """
    from agentvcr.errors import NoCommandError
    from agentvcr.session.mcp import run_server

    if not server:
        raise NoCommandError(
            "there is no server to run",
            where="the end of the command line",
            cure="agentvcr mcp -- python my_server.py",
        )
    run_server(server)
