"""Intercept `http.client`, and with it whatever is built on it: urllib3 and requests, for two.

Owns the patches, which are on the standard library's connection and answer. Works at the wire: each
hop and each retry is an exchange of its own, and in a replay the client's own parser reads the
recorded answer from a stand-in for its socket. What a request is is in `http_client_requests`, its
course in `http_client_talk`, and what only the libraries above know in `http_client_callers`.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar

from agentvcr.inside import lanes, state
from agentvcr.inside.exchange import ReplayHalt
from agentvcr.inside.interceptors.http_client_ahead import read_first
from agentvcr.inside.interceptors.http_client_callers import KNOWN_BODY, failed_early, refuse
from agentvcr.inside.interceptors.http_client_requests import Head
from agentvcr.inside.interceptors.http_client_streams import Tap
from agentvcr.inside.interceptors.http_client_talk import NAME, UNKNOWN, Talk, stand_in
from agentvcr.inside.patching import Made, dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    Patch = tuple[Any, str, Any]

_UPGRADE = 101
_STARTED = "Request-started"
_NO_BODY = (204, 304)

_answering: ContextVar[Talk | None] = ContextVar("agentvcr_answering", default=None)
"""Whose answer the client is about to read."""


_last: list[tuple[ModuleType, list[Any], Made]] = []
"""What was patched last: the module, with which classes of connections, and how."""


def install(module: ModuleType, later: list[Patch]) -> list[Patch]:
    """Patch the connection and the answer of `http.client`; returns what was there before.

    What is patched of a class that is made later is put down in `later`.
    """
    kinds = _kinds_of(module.HTTPConnection)
    if _last and _last[0][0] is module and _last[0][1] == kinds and _last[0][2].fits():
        return _last[0][2].put()
    patches = _patch(module, kinds, later)
    # A class that somebody made in passing goes with its maker.
    homes = [getattr(sys.modules.get(one.__module__), one.__name__, None) for one in kinds]
    is_lasting = homes == kinds
    _last[:] = [(module, kinds, Made(patches))] if is_lasting else []
    return patches


def _kinds_of(kind: Any) -> list[Any]:  # noqa: ANN401  (a class)
    """Give a class and all that are made of it."""
    return [kind, *(one for sub in kind.__subclasses__() for one in _kinds_of(sub))]


def _patch(module: ModuleType, kinds: list[Any], later: list[Patch]) -> list[Patch]:
    patches: list[Patch] = []
    connection: Any = module.HTTPConnection
    response: Any = module.HTTPResponse
    for owner, name, wrap in (
        (connection, "__init__", _init(later)),
        (connection, "endheaders", _endheaders),
        (connection, "send", _send),
        (connection, "getresponse", _getresponse(module)),
        (connection, "close", _close),
        (response, "begin", _begin(response.__dict__["read1"])),
    ):
        original = owner.__dict__[name]
        patches.append((owner, name, original))
        setattr(owner, name, dressed_as(original)(wrap(original)))
    for kind in kinds:
        _cover_connect(kind, patches)
    return patches


def _cover_connect(kind: Any, patches: list[Patch]) -> None:  # noqa: ANN401  (a class)
    original = kind.__dict__.get("connect")
    if original is None or hasattr(original, "_agentvcr"):
        return
    wrapper = dressed_as(original)(_connect(original))
    wrapper._agentvcr = True
    patches.append((kind, "connect", original))
    kind.connect = wrapper


def _init(patches: list[Patch]) -> Any:  # noqa: ANN401  (a wrapper)
    """Cover each way to connect of a class that was made later."""
    from weakref import WeakSet  # noqa: PLC0415  (only who has the client)

    seen: WeakSet[type] = WeakSet()

    def wrap(original: Any) -> Any:  # noqa: ANN401  (the client's method)
        def init(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401  (as above)
            kind = type(self)
            if kind not in seen:
                seen.add(kind)
                for one in kind.__mro__:
                    _cover_connect(one, patches)
            original(self, *args, **options)

        return init

    return wrap


def _endheaders(original: Any) -> Any:  # noqa: ANN401  (the client's method)
    def endheaders(
        self: Any,  # noqa: ANN401  (a connection)
        message_body: Any = None,  # noqa: ANN401  (what it takes)
        *,
        encode_chunked: bool = False,
    ) -> None:
        known = self.__dict__.pop(KNOWN_BODY, UNKNOWN)
        handler = state.handler
        is_started = self._HTTPConnection__state == _STARTED
        if handler is None or lanes.is_shadow() or not is_started or not self._buffer:
            original(self, message_body, encode_chunked=encode_chunked)
            return
        before = self.__dict__.get(NAME)
        if before is not None:
            before.drop()
        talk = Talk(handler, Head(self._buffer))
        self.__dict__[NAME] = talk
        message_body = talk.begin(self, message_body, encode_chunked=encode_chunked, known=known)
        if talk.held is not None:
            original(self)
        else:
            talk.run(original, self, message_body, encode_chunked=encode_chunked)

    return endheaders


def _send(original: Any) -> Any:  # noqa: ANN401  (the client's method)
    def send(self: Any, data: Any) -> None:  # noqa: ANN401  (a connection, what it takes)
        talk = self.__dict__.get(NAME)
        if talk is None or talk.is_answered or lanes.is_shadow():
            original(self, data)
        elif talk.held is not None:
            talk.hold(data, self.blocksize)
            if talk.held.is_whole:
                talk.let_go(self, original)
        else:
            talk.run(original, self, data)

    return send


def _getresponse(module: Any) -> Any:  # noqa: ANN401  (`http.client`)
    def wrap(original: Any) -> Any:  # noqa: ANN401  (the client's method)
        def getresponse(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (as above)
            talk = self.__dict__.get(NAME)
            if talk is None or talk.is_answered or lanes.is_shadow():
                return original(self, *args, **options)
            if talk.held is not None:
                talk.let_go(self, module.HTTPConnection.send.__wrapped__)
            token = _answering.set(talk)
            talk.is_busy = True
            try:
                response = _under_cover(original, self, *args, **options)
            except module.ResponseNotReady:  # the answer before is not read yet, and this one stays
                raise
            except BaseException as error:
                talk.is_answered = True
                talk.broke(error)
                raise
            finally:
                talk.is_busy = False
                _answering.reset(token)
            talk.is_answered = True
            return response

        return getresponse

    return wrap


def _begin(read1: Any) -> Any:  # noqa: ANN401  (the client's method)
    def wrap(original: Any) -> Any:  # noqa: ANN401  (as above)
        def begin(self: Any) -> None:  # noqa: ANN401  (an answer)
            talk = _answering.get()
            if talk is None or talk.ear is None or self.headers is not None or self.fp is None:
                original(self)
                return
            ear = talk.ear
            tap = self.fp = Tap(self.fp, ear)
            original(self)
            ear.head(self)
            if self.status == _UPGRADE:  # the connection is the program's now
                self.fp = tap.release()
                ear.end("closed")
                return
            tap.start(self)
            if self.length == 0 and (not self.chunked or _has_no_body(self)):
                ear.end("eof")
            elif ear.is_read_first:
                read_first(self, read1)

        return begin

    return wrap


def _has_no_body(response: Any) -> bool:  # noqa: ANN401  (an answer)
    return response._method == "HEAD" or response.status in _NO_BODY or response.status < 200  # noqa: PLR2004


def _close(original: Any) -> Any:  # noqa: ANN401  (the client's method)
    def close(self: Any) -> None:  # noqa: ANN401  (a connection)
        try:
            original(self)
        finally:
            talk = self.__dict__.get(NAME)
            if talk is not None:
                talk.drop()

    return close


def _connect(original: Any) -> Any:  # noqa: ANN401  (the client's method)
    def connect(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (a connection)
        handler = state.handler
        talk = self.__dict__.get(NAME)
        if talk is not None and talk.refusal is not None:
            refusal, talk.refusal = talk.refusal, None
            refuse(self, refusal)
        if handler is None:
            return original(self, *args, **options)
        if lanes.is_shadow():  # it is connected to send a request, or a subclass calls its base
            try:
                return original(self, *args, **options)
            except BaseException:
                if talk is not None:
                    talk.was_connecting = True
                raise
        if getattr(handler, "replaying", False):
            stand_in(self)  # what for is not known yet: a request will tell
            return None
        try:
            return _under_cover(original, self, *args, **options)
        except ReplayHalt:
            raise
        except BaseException as error:
            failed_early(self, handler, error)
            raise

    return connect


def _under_cover(method: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (the client's)
    """Let a method of the client work as an inner working of it."""
    token = lanes.enter(lanes.current().under_cover())
    try:
        return method(*args, **options)
    finally:
        lanes.leave(token)
