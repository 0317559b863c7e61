"""Record and replay the long tail of clients through vcrpy's patches: tornado's two.

Owns the patches, and what vcrpy leaves out: failures, waiting, cancelling, the lane. The cassette
that it asks and tells is `vcrpy_cassette`. vcrpy hands an answer over as a whole, and takes no
request with a callback for its parts: those of tornado's own client are `tornado_streams`; the rest
pass as they are, and are named as unrecorded.
"""

from __future__ import annotations

import sys
import time
from _contextvars import ContextVar

from agentvcr.inside import borrowing, lanes, state
from agentvcr.inside.exchange import (
    Forward,
    ReplayHalt,
    Serve,
    end_kind_of,
    failure_of,
)
from agentvcr.inside.interceptors.vcrpy_cassette import (
    FAILED,
    GZIP_MAGIC,
    Asking,
    Unanswered,
    asking,
    class_of,
    decide,
)
from agentvcr.inside.interceptors.vcrpy_failures import failure_again
from agentvcr.inside.patching import dressed_as
from agentvcr.inside.unrecorded import Naming
from agentvcr.inside.waiting import WAITING

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.interceptors import Patch

_PARTWISE = ("body_producer", "header_callback", "streaming_callback")
_SIMPLE = "tornado.simple_httpclient"
_CLASSES = {
    _SIMPLE: "SimpleAsyncHTTPClient",
    "tornado.curl_httpclient": "CurlAsyncHTTPClient",
}
_GZIP = 31
"""The size of zlib's window, and that a header of gzip's is before it."""
_MARK = "_agentvcr_tail"
_expected: ContextVar[list[Fetching]] = ContextVar("agentvcr_expected")
_installing: list[bool] = []


class Fetching(Asking):
    """One request of tornado's: what was decided about it, and who waits for it."""

    def __init__(self, owner: Any, request: Any, callback: Any, name: str) -> None:  # noqa: ANN401
        """Begin with what `fetch_impl` was given."""
        super().__init__(name)
        self.owner = owner
        self.request = request
        self.callback = callback
        self.taken = 0
        """How many pieces of a served answer the program got."""
        self._began = time.time()
        self._is_settled = False

    def answered(self, response: Any) -> None:  # noqa: ANN401  (tornado's)
        """Take the answer from vcrpy's stub, real or served, and hand it on."""
        decision = self.decision
        if isinstance(decision, Forward):
            if response.code == FAILED and not response._error_is_response_code:
                decision.sink.end("failed", response.error)
            response._body = None  # vcrpy has read it, and its words would show that
            self.callback(response)
            return
        self._decode(response)
        self._later(decision, len(decision.chunks), "eof", response)

    def _decode(self, response: Any) -> None:  # noqa: ANN401  (tornado's)
        """Decode a body as tornado does: of another client's recording it may be coded."""
        headers = response.headers
        coding, body = headers.get("Content-Encoding", ""), response.buffer.getvalue()
        if body.startswith(GZIP_MAGIC) and coding and self.request.decompress_response:
            import io  # noqa: PLC0415  (hardly ever)
            import zlib  # noqa: PLC0415  (hardly ever)

            response.buffer = io.BytesIO(zlib.decompress(body, _GZIP))
            headers.add("X-Consumed-Content-Encoding", coding)
            del headers["Content-Encoding"]

    def unanswered(self) -> None:
        """Do what the recorded request did that got no whole answer: fail, or wait on."""
        serve = self.decision
        assert isinstance(serve, Serve)  # noqa: S101  (the cassette raised over it)
        if serve.end_kind in WAITING:
            return
        if serve.end_kind != "failed":
            if serve.taken is not None:
                serve.taken(0, "overrun")
            raise ReplayHalt("the recorded request has no whole answer (%s)" % serve.end_kind)
        self._later(serve, 0, "failed", _failed(self.request, failure_again(serve.failure)))

    def _later(self, serve: Serve, chunks: int, kind: str, response: Any) -> None:  # noqa: ANN401
        """Hand an answer on in a turn of the loop to come, as a real one does."""

        def deliver() -> None:
            self.taken = chunks
            self.settle(response, kind)

        loop = self.owner.io_loop
        delay_s = sum(serve.wait_s(position) for position in range(len(serve.delays_ns)))
        if delay_s:
            loop.call_later(delay_s, deliver)
        else:
            loop.add_callback(deliver)

    def settle(self, response: Any, kind: str) -> None:  # noqa: ANN401  (tornado's)
        """Hand a served answer on, unless the program has given it up."""
        if self._is_settled:
            return
        self._is_settled = True
        serve = self.decision
        if isinstance(serve, Serve) and serve.taken is not None:
            serve.taken(self.taken, kind)
        response.start_time = self._began
        response.request_time = self.owner.io_loop.time() - self.request.start_time
        self.callback(response)

    def cancelled(self, future: Any) -> None:  # noqa: ANN401  (asyncio's)
        """Notice that the program gave up: tornado goes on without telling."""
        if not future.cancelled() or self._is_settled:
            return
        self._is_settled = True
        if isinstance(self.decision, Forward):
            import asyncio  # noqa: PLC0415  (tornado has it loaded)

            self.decision.sink.end("cancelled", asyncio.CancelledError())
        elif self.decision.taken is not None:
            self.decision.taken(self.taken, "cancelled")


def install(module: Any) -> list[Patch]:  # noqa: ANN401  (the module of one of the clients)
    """Patch the client of `module`; without vcrpy, name what it asks for."""
    parent, _, leaf = module.__name__.rpartition(".")
    setattr(sys.modules[parent], leaf, module)  # vcrpy looks there; the import does it next
    fetch_impl = getattr(module, _CLASSES[module.__name__]).fetch_impl
    if _installing or hasattr(fetch_impl, _MARK):  # vcrpy imports the one over the other
        return []
    _installing.append(True)
    try:
        return _through_vcrpy()
    except ImportError:
        return _only_named(module, borrowing.why_not())
    except Exception as error:  # noqa: BLE001  (of any version of vcrpy)
        return _only_named(module, "vcrpy: %s: %s" % failure_of(error))
    finally:
        _installing.clear()


def _through_vcrpy() -> list[Patch]:
    patches: list[Patch] = []
    with borrowing.Borrowed():
        from vcr.cassette import Cassette  # noqa: PLC0415  (only who has such a client)
        from vcr.patch import PATCHER_NAMES, CassettePatcherBuilder  # noqa: PLC0415  (as above)

        own = tuple(one for one in PATCHER_NAMES if one != "tornado")
        cassette = class_of(Cassette)(path="<agentvcr>", skip_patchers=own)
        originals = {id(owner): owner.fetch_impl for owner, _ in _clients()}
        patchers = list(CassettePatcherBuilder(cassette).build())
        for patcher in patchers:
            patcher.__enter__()
    for owner, name in _clients():
        original = originals[id(owner)]
        owner.fetch_impl = _fetch_impl(owner.fetch_impl, original, name)
        patches.append((owner, "fetch_impl", original))
    return [*patches, *_follow_futures()]


def _clients() -> list[tuple[Any, str]]:
    return [
        (getattr(sys.modules[name], owner), name)
        for name, owner in _CLASSES.items()
        if name in sys.modules and hasattr(sys.modules[name], owner)
    ]


def _only_named(module: Any, why: str) -> list[Patch]:  # noqa: ANN401  (as above)
    owner = getattr(module, _CLASSES[module.__name__])
    original = owner.fetch_impl

    @dressed_as(original)
    def fetch_impl(self: Any, request: Any, callback: Any) -> None:  # noqa: ANN401  (tornado's)
        if state.handler is None or lanes.is_shadow():
            original(self, request, callback)
            return
        _pass_named(lambda: original(self, request, callback), self, request, callback, said)

    said = "%s: %s" % (module.__name__, why)
    owner.fetch_impl = fetch_impl
    return [(owner, "fetch_impl", original)]


def _pass_named(
    go: Callable[[], None],
    owner: Any,  # noqa: ANN401  (tornado's)
    request: Any,  # noqa: ANN401  (tornado's)
    callback: Any,  # noqa: ANN401  (tornado's)
    why: str,
) -> None:
    """Let a request go as it is that cannot be recorded, and say so and why."""
    form = "%s %%s (%s)" % (request.method, why.replace("%", "%%"))
    try:
        naming = Naming(str(request.url), form)
    except ConnectionRefusedError as error:  # telemetry, on replay
        owner.io_loop.add_callback(callback, _failed(request, error))
        return
    with naming:
        go()


def _failed(request: Any, error: BaseException) -> Any:  # noqa: ANN401  (tornado's)
    return sys.modules["tornado.httpclient"].HTTPResponse(request, FAILED, error=error)


def _fetch_impl(stub: Any, original: Any, name: str) -> Any:  # noqa: ANN401  (tornado's)
    """Stand before vcrpy's stub, which stands before the client's own method."""

    @dressed_as(original)
    def fetch_impl(self: Any, request: Any, callback: Any) -> None:  # noqa: ANN401  (tornado's)
        if state.handler is None or lanes.is_shadow():
            original(self, request, callback)
            return
        partwise = [one for one in _PARTWISE if getattr(request, one, None) is not None]
        if partwise and name == _SIMPLE and "body_producer" not in partwise:
            fetching = Fetching(self, request, callback, name)
            _expected.get([]).append(fetching)
            _piece_by_piece(fetching, original)
            return
        if partwise:
            why = "%s: with a %s" % (name, partwise[0])
            _pass_named(lambda: original(self, request, callback), self, request, callback, why)
            return
        fetching = Fetching(self, request, callback, name)
        _expected.get([]).append(fetching)
        asked = asking.set(fetching)
        token = lanes.enter(lanes.current())  # the cassette goes under cover where it forwards
        try:
            stub(self, request, fetching.answered)
        except Unanswered:
            fetching.unanswered()
        except BaseException as error:
            if isinstance(fetching.decision, Forward):
                fetching.decision.sink.end(end_kind_of(error), error)
            raise
        finally:
            lanes.leave(token)
            asking.reset(asked)

    setattr(fetch_impl, _MARK, True)
    return fetch_impl


def _piece_by_piece(fetching: Fetching, original: Any) -> None:  # noqa: ANN401  (tornado's)
    from agentvcr.inside.interceptors import tornado_streams  # noqa: PLC0415  (who has callbacks)

    request = fetching.request
    headers = request.headers.copy()
    if request.user_agent:
        headers.setdefault("User-Agent", request.user_agent)
    fetching.decision = decision = decide(
        request.method, request.url, headers, request.body, fetching.client
    )
    if isinstance(decision, Serve):
        tornado_streams.serve(fetching, decision)
    else:
        tornado_streams.forward(fetching, decision, original)


def _follow_futures() -> list[Patch]:
    """Follow what `fetch` returns: the program may cancel it."""
    base = sys.modules["tornado.httpclient"].AsyncHTTPClient
    original = base.fetch

    @dressed_as(original)
    def fetch(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (tornado's)
        if state.handler is None:
            return original(self, *args, **options)
        begun: list[Fetching] = []
        token = _expected.set(begun)
        try:
            future = original(self, *args, **options)
        finally:
            _expected.reset(token)
        for fetching in begun:
            future.add_done_callback(fetching.cancelled)
        return future

    base.fetch = fetch
    return [(base, "fetch", original)]
