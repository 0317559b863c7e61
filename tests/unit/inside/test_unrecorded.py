"""How what is not recorded is named."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from agentvcr.inside import guard, state
from agentvcr.inside.interceptors import websocket
from agentvcr.inside.unrecorded import Naming, place_of

URLS = {
    "wss://api.example/v1/realtime?api_key=s3cret#x": (
        "api.example",
        443,
        "wss://api.example/v1/realtime",
    ),
    "ws://user:s3cret@api.example:8080/": ("api.example", 8080, "ws://api.example:8080/"),
    "https://[2001:db8::1]/x": ("2001:db8::1", 443, "https://[2001:db8::1]/x"),
    "http://api.example": ("api.example", 80, "http://api.example"),
    "odd://api.example": ("api.example", 0, "odd://api.example"),
    "http://api.example:port/": None,
    "http://[broken": None,
    "": None,
}


@pytest.mark.parametrize(("url", "place"), URLS.items())
def test_a_url_is_named_without_what_might_be_a_credential(url, place):
    assert place_of(url) == place


class Gate:
    replaying = False
    is_gone = False

    def __init__(self):
        self.told = []

    def is_own(self, *_):
        return False

    def passed(self, host, port, what=""):
        self.told.append((host, port, what))


@pytest.fixture
def gate(monkeypatch):
    gate = Gate()
    guarding = guard.Guard(gate)
    monkeypatch.setattr(guard, "_watching", [lambda: guarding])
    monkeypatch.setattr(state, "handler", gate)
    return gate


def test_what_is_named_is_told_each_time_and_its_connections_are_not(gate):
    watching = guard._watching[0]()
    with socket.socket() as own:
        connecting = ("socket.connect", (own, ("127.0.0.1", 9)))
    for _ in range(2):
        with Naming("ws://127.0.0.1:9/x", "websocket %s (client)"):
            watching.see(*connecting)
    named = ("127.0.0.1", 9, "websocket ws://127.0.0.1:9/x (client)")
    assert gate.told == [named, named]
    watching.see(*connecting)
    assert gate.told[2:] == [("127.0.0.1", 9, "")]


def test_without_a_session_nothing_is_named(gate, monkeypatch):
    monkeypatch.setattr(state, "handler", None)
    with Naming("ws://127.0.0.1:9/x", "%s"):
        pass
    assert gate.told == []


def test_a_client_that_keeps_its_address_elsewhere_connects_and_the_guard_names_it(gate):
    watching = guard._watching[0]()
    with socket.socket() as own:
        connecting = ("socket.connect", (own, ("127.0.0.1", 9)))

    class Connect:
        def __await__(self):
            watching.see(*connecting)
            return "connected"
            yield

    module = SimpleNamespace(__name__="websockets.asyncio.client", connect=Connect)
    websocket.install_websockets(module)

    async def main():
        return await module.connect()

    assert asyncio.run(main()) == "connected"
    assert gate.told == [("127.0.0.1", 9, "")]
