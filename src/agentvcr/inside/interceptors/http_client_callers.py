"""Know of a request what only the libraries above `http.client` know: urllib3's, httplib2's.

Owns the patches on those two. urllib3 sends a body piece by piece behind the head, and both may
connect before `http.client` hears of a request: what fails then belongs to the request that is told
here.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar

from agentvcr.inside import state
from agentvcr.inside.exchange import Forward, ProcessHandler, end_kind_of
from agentvcr.inside.interceptors.http_client_errors import CONNECTING, told
from agentvcr.inside.interceptors.http_client_requests import Head, peeked, request_of
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, NoReturn

    Patch = tuple[Any, str, Any]

KNOWN_BODY = "_agentvcr_body"
"""Where a connection of urllib3 keeps the body that it is about to send."""

_intended: ContextVar[tuple[str, str, Any] | None] = ContextVar("agentvcr_intended", default=None)
"""Method, target and body of the request that the running code connects for."""
_refused: ContextVar[BaseException | None] = ContextVar("agentvcr_refused", default=None)
"""What a connection attempt meets, in a replay."""


def _replaced(owner: Any, name: str, wrapper: Any) -> Patch:  # noqa: ANN401  (a class or module)
    original = owner.__dict__[name]
    setattr(owner, name, dressed_as(original)(wrapper(original)))
    return owner, name, original


def hook_urllib3_connection(module: ModuleType) -> list[Patch]:
    """Patch urllib3's connection, which tells its body, and its way to a socket."""
    connection: Any = module.HTTPConnection
    names = [name for name in ("request", "request_chunked") if name in connection.__dict__]
    found = [_replaced(connection, name, _request) for name in names]
    return [*found, _replaced(module.connection, "create_connection", _create_connection)]


def hook_urllib3_pool(module: ModuleType) -> list[Patch]:
    """Patch urllib3's pool, which knows what it connects for."""
    return [_replaced(module.HTTPConnectionPool, "urlopen", _urlopen)]


def hook_httplib2(module: ModuleType) -> list[Patch]:
    """Patch httplib2, which connects before it asks."""
    return [_replaced(module.Http, "_conn_request", _conn_request)]


def _request(original: Any) -> Any:  # noqa: ANN401  (the library's method)
    def request(
        self: Any,  # noqa: ANN401  (a connection)
        method: str,
        url: str,
        body: Any = None,  # noqa: ANN401  (what it takes)
        headers: Any = None,  # noqa: ANN401  (as above)
        *args: Any,  # noqa: ANN401  (as above)
        **options: Any,  # noqa: ANN401  (as above)
    ) -> Any:  # noqa: ANN401  (as above)
        if state.handler is None:
            return original(self, method, url, body, headers, *args, **options)
        self.__dict__[KNOWN_BODY] = body
        try:
            return original(self, method, url, body, headers, *args, **options)
        finally:
            self.__dict__.pop(KNOWN_BODY, None)

    return request


def _create_connection(original: Any) -> Any:  # noqa: ANN401  (the library's function)
    def create_connection(*args: Any, **options: Any) -> Any:  # noqa: ANN401  (as above)
        refusal = _refused.get()
        if refusal is not None:
            raise refusal
        return original(*args, **options)

    return create_connection


def _urlopen(original: Any) -> Any:  # noqa: ANN401  (the library's method)
    def urlopen(
        self: Any,  # noqa: ANN401  (a pool)
        method: str,
        url: str,
        body: Any = None,  # noqa: ANN401  (what it takes)
        *args: Any,  # noqa: ANN401  (as above)
        **options: Any,  # noqa: ANN401  (as above)
    ) -> Any:  # noqa: ANN401  (as above)
        token = _intended.set((method, url, body))
        try:
            return original(self, method, url, body, *args, **options)
        finally:
            _intended.reset(token)

    return urlopen


def _conn_request(original: Any) -> Any:  # noqa: ANN401  (the library's method)
    def conn_request(  # noqa: PLR0913  (the library's own)
        self: Any,  # noqa: ANN401  (an Http)
        conn: Any,  # noqa: ANN401  (its connection)
        request_uri: str,
        method: str,
        body: Any,  # noqa: ANN401  (what it takes)
        headers: Any,  # noqa: ANN401  (as above)
    ) -> Any:  # noqa: ANN401  (as above)
        token = _intended.set((method, request_uri, body))
        try:
            return original(self, conn, request_uri, method, body, headers)
        finally:
            _intended.reset(token)

    return conn_request


def failed_early(conn: Any, handler: ProcessHandler, error: BaseException) -> None:  # noqa: ANN401
    """Record the request that a failed connection was meant for, where somebody told it."""
    intended = _intended.get()
    if intended is None:
        return
    method, target, body = intended
    head = Head(["%s %s HTTP/1.1" % (method, target)])
    try:
        decision = handler.begin(request_of(conn, head, peeked(body) or b""))
    except Exception as own:  # noqa: BLE001  (ours: it must not become the program's)
        decision = handler.failed(own)
    if isinstance(decision, Forward):
        decision.sink.end(end_kind_of(error), told(error, CONNECTING))


def refuse(conn: Any, refusal: BaseException) -> NoReturn:  # noqa: ANN401  (a connection)
    """Fail to connect as the recorded connection did, in the library's own words."""
    is_tls = type(refusal).__module__ == "ssl"
    if hasattr(conn, "_has_connected_to_proxy") and not is_tls:
        conn._has_connected_to_proxy = False
    home = _home_of(conn, "_new_conn")
    if home.endswith("urllib3.connection") and home == _home_of(conn, "connect"):
        if is_tls:
            _refuse_tls(home, refusal)
        elif not str(refusal).startswith("Tunnel connection failed"):
            token = _refused.set(refusal)
            try:
                conn._new_conn()  # it wraps what its socket meets
            finally:
                _refused.reset(token)
    raise refusal


def _refuse_tls(home: str, refusal: BaseException) -> None:
    """Raise what urllib3's pool makes of a failed handshake, since that comes before it asks."""
    package = home.rpartition(".")[0]
    if not sys.modules[package].__version__.startswith("1."):  # else it makes it later
        error = sys.modules[package + ".exceptions"].SSLError(refusal)
        error.__context__ = refusal
        raise error


def _home_of(conn: Any, name: str) -> str:  # noqa: ANN401  (a connection)
    """Name the module of the class that defines a method."""
    for kind in type(conn).__mro__:
        if name in kind.__dict__:
            return kind.__module__
    return ""
