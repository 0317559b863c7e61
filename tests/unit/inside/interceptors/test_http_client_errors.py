"""Failures before an answer: what is recorded of them, and what they are again."""

import socket
import ssl

import pytest

from agentvcr.inside.exchange import failure_of
from agentvcr.inside.interceptors.http_client_errors import (
    CONNECTING,
    SENDING,
    Closed,
    made_again,
    told,
)

REFUSED = ConnectionRefusedError(111, "Connection refused")
NAME = socket.gaierror(-2, "Name or service not known")
UNTRUSTED = ssl.SSLCertVerificationError(
    1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed (_ssl.c:1006)"
)


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (REFUSED, CONNECTING),
        (NAME, CONNECTING),
        (UNTRUSTED, CONNECTING),
        (TimeoutError("timed out"), CONNECTING),
        (TimeoutError("timed out"), ""),
        (OSError(113, "No route to host"), CONNECTING),
        (OSError("Tunnel connection failed: 407 Proxy"), CONNECTING),
        (ConnectionResetError(104, "Connection reset by peer"), CONNECTING),
        (ConnectionResetError(104, "Connection reset by peer"), ""),
        (BrokenPipeError(32, "Broken pipe"), SENDING),
    ],
)
def test_a_failure_is_made_again_in_its_class_and_its_place(error, place):
    again_at, again = made_again(failure_of(told(error, place)), has_head=False)
    assert (again_at, type(again), again.args) == (place, type(error), error.args)
    assert getattr(again, "errno", None) == getattr(error, "errno", None)


def test_what_a_library_wrapped_is_recorded_as_it_came_from_the_system():
    wrapped = RuntimeError("<Connection object at 0x7f01>: refused")
    wrapped.__cause__ = REFUSED
    failure = failure_of(told(wrapped, CONNECTING))
    assert failure == ("builtins.ConnectionRefusedError", "[Errno 111] Connection refused")


def test_a_certificate_s_error_has_its_parts_again():
    _, again = made_again(failure_of(UNTRUSTED), has_head=False)
    assert (again.library, again.reason) == ("SSL", "CERTIFICATE_VERIFY_FAILED")
    assert again.verify_message == "self-signed"


@pytest.mark.parametrize(
    ("failure", "place", "error"),
    [
        (("httpx.ConnectError", "[Errno 111] Connection refused"), CONNECTING, REFUSED),
        (("httpx.ConnectError", "[Errno -2] Name or service not known"), CONNECTING, NAME),
        (("httpx.ConnectTimeout", "timed out"), CONNECTING, TimeoutError("timed out")),
        (("httpx.ReadTimeout", ""), "", TimeoutError("timed out")),
        (("httpx.RemoteProtocolError", "Server disconnected"), "", Closed()),
        (("aiohttp.client_exceptions.ServerDisconnectedError", "x"), "", Closed()),
        (("nowhere.Gone", "what"), "", OSError("nowhere.Gone: what")),
    ],
)
def test_another_client_s_failure_is_what_this_one_meets(failure, place, error):
    again_at, again = made_again(failure, has_head=False)
    assert (again_at, type(again), again.args) == (place, type(error), error.args)
