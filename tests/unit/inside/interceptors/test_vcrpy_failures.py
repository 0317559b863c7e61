"""A recorded failure is raised again as what it was."""

import errno
import socket
import ssl

import pytest
from tornado.httpclient import HTTPClientError
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError

from agentvcr.inside.exchange import failure_of
from agentvcr.inside.interceptors.vcrpy_failures import failure_again

FAILURES = [
    HTTPTimeoutError("Timeout while connecting"),
    HTTPStreamClosedError("Connection closed"),
    HTTPClientError(599, "Could not resolve host: nowhere"),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"),
    ValueError("Unsupported url scheme: ftp://127.0.0.1/"),
]


@pytest.mark.parametrize("error", FAILURES, ids=repr)
def test_a_failure_comes_back_with_its_class_its_words_and_its_number(error):
    again = failure_again(failure_of(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert getattr(again, "errno", None) == getattr(error, "errno", None)
    assert getattr(again, "code", None) == getattr(error, "code", None)


def test_what_another_client_raised_has_its_like():
    refused = failure_again(("nowhere.ConnectError", "[Errno 111] Connection refused"))
    assert type(refused) is ConnectionRefusedError
    assert refused.errno == errno.ECONNREFUSED
    assert type(failure_again(("nowhere.ReadTimeout", "late"))) is HTTPTimeoutError
    odd = failure_again(("nowhere.Odd", "words"))
    assert (type(odd), str(odd)) == (RuntimeError, "nowhere.Odd: words")


def test_a_class_that_wants_other_arguments_is_named():
    again = failure_again(("builtins.UnicodeDecodeError", "no codec"))
    assert (type(again), str(again)) == (RuntimeError, "builtins.UnicodeDecodeError: no codec")
