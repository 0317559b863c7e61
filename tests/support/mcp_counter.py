"""An MCP server of the official SDK that counts: `mcp_counter.py --heard FILE [--http]`.

Owns a global counter in its answers, and a line in FILE for each message or request that reaches
it. Over HTTP it prints its address. Imports nothing of this folder, so that a test can run a copy
and delete it.
"""

import argparse
import itertools
import json
import os
import pathlib
import socket
import threading

import httpx
import uvicorn
from mcp.server.mcpserver import MCPServer

server = MCPServer("counter", log_level="CRITICAL")
_numbers = itertools.count(1)


@server.tool()
def count(what: str) -> str:
    """Answer equal calls with another number each time, and ask nobody."""
    return f"{what} {next(_numbers)}"


@server.tool()
async def consult(what: str) -> str:
    """Ask the model."""
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    body = {"model": "counter", "messages": [{"role": "user", "content": what}]}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
        answer = await client.post(url, content=json.dumps(body))
    return answer.json()["choices"][0]["message"]["content"]


def on_streams(heard: pathlib.Path) -> None:
    """Serve on standard streams, with each line of its input counted on its way."""
    source, (inner, into) = os.dup(0), os.pipe()
    os.dup2(inner, 0)

    def pass_on() -> None:
        with os.fdopen(source, "rb") as lines, os.fdopen(into, "wb", 0) as out:
            for line in lines:
                with heard.open("ab") as file:
                    file.write(line)
                out.write(line)

    threading.Thread(target=pass_on, daemon=True).start()
    server.run()


def over_http(heard: pathlib.Path) -> None:
    """Serve over HTTP, with each request counted."""
    app = server.streamable_http_app()

    async def counting(scope: dict, receive: object, send: object) -> None:
        if scope["type"] == "http":
            with heard.open("a") as file:
                file.write(f"{scope['method']} {scope['path']}\n")
        await app(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
        config = uvicorn.Config(counting, log_level="critical", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--heard", type=pathlib.Path, required=True)
    parser.add_argument("--http", action="store_true")
    words = parser.parse_args()
    (over_http if words.http else on_streams)(words.heard)


if __name__ == "__main__":
    main()
