"""One request on a connection, from its head to its answer: what was decided, what became of it.

Owns the states between. The patches (`http_client`) call it; it calls the client's own methods.
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes
from agentvcr.inside.course import FREE
from agentvcr.inside.exchange import ProcessHandler, Serve, end_kind_of
from agentvcr.inside.interceptors.http_client_errors import CONNECTING, SENDING, made_again, told
from agentvcr.inside.interceptors.http_client_framing import content_of
from agentvcr.inside.interceptors.http_client_requests import (
    HTTPS,
    Head,
    Sent,
    bytes_of,
    parts_of,
    peeked,
    request_of,
)
from agentvcr.inside.interceptors.http_client_streams import Recording, Serving
from agentvcr.inside.interceptors.http_client_wire import Answer, Served
from agentvcr.inside.waiting import wait

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.interceptors.http_client_streams import Ear

NAME = "_agentvcr_talk"
"""Where a connection keeps what it says at present."""
UNKNOWN: Any = object()
"""Stands for a body that nobody told."""


class Talk:
    """What is said on a connection at present. Knows the connection by its calls alone."""

    def __init__(self, handler: ProcessHandler, head: Head) -> None:
        """Begin with a head that is about to be sent."""
        self._handler = handler
        self.head = head
        self.held: Sent | None = None
        """The body so far, where the request is held back until it is whole."""
        self._parts: list[Any] = []
        self.ear: Ear | None = None
        self.answer: Answer | None = None
        """What comes back, in a replay."""
        self.refusal: BaseException | None = None
        """Why there is no connection, in a replay."""
        self.was_connecting = False
        """Whether an error came out of `connect`."""
        self.is_busy = False
        """Whether the client's own methods work on it, which close what fails."""
        self.is_answered = False
        self._send_error: BaseException | None = None

    def begin(self, conn: Any, given: Any, *, encode_chunked: bool, known: Any) -> Any:  # noqa: ANN401
        """Ask about the request, or hold it back; gives the body to go on with.

        Args:
            conn: The connection.
            given: The body that is sent with the head, if any.
            encode_chunked: Whether that is not in chunks yet.
            known: The body that the client above will send piece by piece, if it said so.
        """
        if given is not None:
            given = parts_of(given, conn.blocksize)
            body = bytes_of(given)
            if self.head.is_chunked and not encode_chunked:
                body = content_of(body)
            self._ask(conn, body)
            return given
        is_known = known is not UNKNOWN or not (self.head.is_chunked or self.head.length)
        whole = peeked(None if known is UNKNOWN else known) if is_known else None
        if whole is None and not self.head.is_expecting:
            self.held = Sent(self.head)
        else:  # who waits for a word before the body gets none while the head is held back
            self._ask(conn, whole or b"")
        return None

    def _ask(self, conn: Any, body: bytes) -> None:  # noqa: ANN401  (a connection)
        try:
            decision = self._handler.begin(request_of(conn, self.head, body))
        except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
            decision = self._handler.failed(error)
        if isinstance(decision, Serve):
            self._serve(conn, decision)
            return
        self.ear = Recording(decision)
        if isinstance(conn.sock, Served):
            conn.sock = None  # outside of the recording: connect

    def _serve(self, conn: Any, serve: Serve) -> None:  # noqa: ANN401  (a connection)
        ear = self.ear = Serving(serve)
        was_connected = isinstance(conn.sock, Served)
        head = self.head
        self.answer = Answer(serve, ear, head.method, is_expecting=head.is_expecting)
        if not serve.status and serve.end_kind == "failed":
            place, error = made_again(serve.failure, has_head=False)
            if place == CONNECTING and not (was_connected and _is_late(error)):
                wait(serve, 0)
                ear.end("failed")
                self.refusal = error
                conn.sock = None
                return
        if not was_connected:
            if conn.sock is not None:
                conn.sock.close()
            stand_in(conn)
        conn.sock.answer = self.answer

    def hold(self, data: Any, block_size: int) -> None:  # noqa: ANN401  (what a client sends)
        """Keep what the client sends, until it is all."""
        data = parts_of(data, block_size)
        if self.held is not None and self._parts:  # behind the head
            self.held.add(bytes_of(data))
        self._parts.append(data)

    def let_go(self, conn: Any, send: Callable[..., Any]) -> None:  # noqa: ANN401  (a connection)
        """Ask about a request that was held back, and send it as the client did."""
        held, self.held = self.held, None
        self._ask(conn, held.content() if held is not None else b"")
        for data in self._parts:
            self.run(send, conn, data)
        self._parts.clear()

    def run(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Let a method of the client work: under cover, where it reaches the network."""
        if self.answer is not None:
            try:
                return method(*args, **options)
            except Exception as error:
                self._send_error = error
                raise
        course = self.ear.course if self.ear is not None else FREE
        course.leave()
        token = lanes.enter(lanes.current().under_cover())
        self.is_busy = True
        try:
            return method(*args, **options)
        except BaseException as error:
            self._failed(error)
            raise
        finally:
            self.is_busy = False
            lanes.leave(token)
            course.back()

    def _failed(self, error: BaseException) -> None:
        if self.was_connecting:
            self.end("failed", told(error, CONNECTING))
        else:  # the answer may have come all the same: some clients read on
            self._send_error = error

    def end(self, kind: str, error: BaseException | None = None) -> None:
        """Tell how it ended, if nobody has."""
        if self.ear is not None:
            self.ear.end(kind, error)

    def broke(self, error: BaseException) -> None:
        """Tell that no head came."""
        self.end(end_kind_of(error), told(error, ""))

    def drop(self) -> None:
        """Tell that the connection is closed or used again, before an answer was read."""
        if self.is_answered or self.is_busy or self.ear is None:
            return
        if self._send_error is not None:
            error = self._send_error
            self.end(end_kind_of(error), told(error, SENDING))
        self.end("closed")

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        """Tell that the connection was dropped, before an answer was read."""
        if not is_ending() and not self.is_answered:  # bound early: names may be gone by then
            if self._send_error is not None:
                self.drop()
            self.end("abandoned")


def _is_late(error: BaseException) -> bool:
    """Whether a client that connects before it asks must meet this error when it reads.

    It is of a handshake, and while it sends, `urllib3` would swallow it or word it otherwise.
    """
    if isinstance(error, TimeoutError):
        return "handshake" in str(error)
    return isinstance(error, (ConnectionResetError, BrokenPipeError))


def stand_in(conn: Any) -> None:  # noqa: ANN401  (a connection)
    """Connect to nobody; to `urllib3` it looks as verified as the real connection was."""
    conn.sock = Served()
    if not hasattr(conn, "is_verified"):
        return
    proxy = getattr(conn, "proxy", None)
    tunnelled = bool(getattr(conn, "_tunnel_host", None))
    conn.is_verified = _verifies(conn) and (proxy is None or tunnelled)
    if proxy is not None and hasattr(conn, "_has_connected_to_proxy"):  # not before urllib3 2
        conn.proxy_is_verified = proxy.scheme == "https"
        conn._has_connected_to_proxy = True


def _verifies(conn: Any) -> bool:  # noqa: ANN401  (a connection of urllib3)
    """Whether a connection asks for a certificate, as it is told to."""
    if conn.default_port != HTTPS:
        return False
    context, wanted = getattr(conn, "ssl_context", None), getattr(conn, "cert_reqs", None)
    if wanted is None and context is not None:
        wanted = context.verify_mode
    is_asked = bool(wanted) and wanted not in ("CERT_NONE", "NONE")
    return is_asked or bool(getattr(conn, "assert_fingerprint", None))
