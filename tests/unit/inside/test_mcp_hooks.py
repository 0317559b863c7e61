"""The program's part of MCP: whose lane a message has, in every version of the SDK."""

import asyncio
import json
import subprocess
import sys
import types

import pytest

from agentvcr.inside import lanes, state
from agentvcr.inside.interceptors import mcp_http, mcp_stdio
from agentvcr.inside.mcp.messages import without_origin


@pytest.fixture(autouse=True)
def _session():
    state.activate(types.SimpleNamespace(failed=lambda error: pytest.fail(str(error))))
    token = lanes.start("main")
    yield
    lanes.leave(token)
    state.activate(None)


class Message:
    def __init__(self, message):
        self.message = message


class Json:
    def model_dump_json(self, **_options):
        return '{"jsonrpc":"2.0","id":1}'


class Stream:
    def __init__(self):
        self.sent = []

    async def send(self, item):
        self.sent.append(item)


@pytest.mark.parametrize(("item", "is_bare"), [(Message(Json()), False), (Json(), True)])
def test_a_line_names_the_lane_that_sent_it_and_is_else_the_sdks(item, is_bare):
    async def main():
        stream = Stream()
        await asyncio.create_task(mcp_stdio.Named(stream).send(item))
        return stream.sent[0]

    token = lanes.enter(lanes.current().child("task"))
    sent = asyncio.run(main())
    lanes.leave(token)
    written = (sent if is_bare else sent.message).model_dump_json(by_alias=True).encode()
    origin, line = without_origin(written)
    assert origin.lane == "main/task0"
    assert line == b'{"jsonrpc":"2.0","id":1}'
    assert json.loads(written)["id"] == 1


def library():
    class Transport:
        async def _handle_post_request(self, _ctx):
            return lanes.current().name

    message = type("SessionMessage", (Message,), {"__init__": Message.__init__})
    return types.SimpleNamespace(SessionMessage=message, StreamableHTTPTransport=Transport)


def test_a_message_over_http_is_posted_in_the_lane_that_made_it():
    module = library()
    patches = mcp_http.install(module)

    async def main():
        token = lanes.enter(lanes.current().child("task"))
        made = module.SessionMessage(Json())
        lanes.leave(token)
        context = types.SimpleNamespace(session_message=made)
        return await module.StreamableHTTPTransport()._handle_post_request(context)

    assert asyncio.run(main()) == "main/task0"
    assert lanes.current().name == "main"
    assert [name for _, name, _ in patches] == ["__init__", "_handle_post_request"]


def test_a_library_that_carries_contexts_is_left_alone():
    module = library()
    module.create_context_streams = object()
    assert mcp_http.install(module) == []


def test_without_a_channel_no_server_is_put_behind_the_shim():
    module = types.SimpleNamespace(stdio_client=object())
    assert mcp_stdio.install(module) == []


def test_a_shim_outside_of_its_replay_starts_no_server(tmp_path):
    started = tmp_path / "started"
    server = ["--replay", sys.executable, "-c", f"open({str(started)!r}, 'w')"]
    done = subprocess.run(
        [sys.executable, "-S", mcp_stdio.SHIM, *server], capture_output=True, check=False
    )
    assert (done.returncode, started.exists()) == (4, False)
