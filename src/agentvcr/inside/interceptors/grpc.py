"""Name gRPC calls while recording, and refuse them on replay.

Owns where grpcio's clients start a call, sync and `grpc.aio`, and where its servers listen: its
core opens sockets that no hook of Python's sees. Records nothing of what is said. Asked at each
call and not when a channel is made, since making one reaches nobody.
"""

from __future__ import annotations

from agentvcr.inside import guard, state
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable

    from agentvcr.inside.interceptors import Patch

_CALLABLES = (
    "_UnaryUnaryMultiCallable",
    "_SingleThreadedUnaryStreamMultiCallable",
    "_UnaryStreamMultiCallable",
    "_StreamUnaryMultiCallable",
    "_StreamStreamMultiCallable",
)
_AIO_CALLABLES = (
    "UnaryUnaryMultiCallable",
    "UnaryStreamMultiCallable",
    "StreamUnaryMultiCallable",
    "StreamStreamMultiCallable",
)
_WAYS = ("__call__", "with_call", "future")
_LISTENING = ("add_insecure_port", "add_secure_port")
_PLAIN_PORT = 443
"""What grpcio's resolver takes where a target names no port."""


def address_of(target: str) -> tuple[str, int]:
    """Give host and port of a target such as `dns:///host:port`; of others the text, and 0."""
    scheme, colon, rest = target.partition(":")
    if scheme in ("unix", "unix-abstract") and colon:
        return "unix:" + rest.replace("///", "/", 1), 0
    if scheme in ("dns", "ipv4", "ipv6", "passthrough") and colon and not rest.isdigit():
        target = rest.rpartition("/")[2] if rest.startswith("/") else rest
    elif colon and rest.startswith("//"):
        return target, 0  # a resolver of another kind: only it knows where that is
    host, colon, port = target.split(",")[0].rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.startswith("[")):
        host, port = target, str(_PLAIN_PORT)
    return host.strip("[]"), int(port)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _meet(target: object, method: object) -> None:
    host, port = address_of(_text(target))
    where = "%s:%d" % (host, port) if port else host
    guard.meet(host, port, "grpc %s %s" % (where, _text(method)))


def install(module: Any) -> list[Patch]:  # noqa: ANN401  (grpc._channel)
    """Patch each way of starting a call."""
    refused = _refusal_of(module.grpc)

    def target_of(own: Any) -> object:  # noqa: ANN401  (a multi-callable)
        return getattr(own, "_target", None) or own._channel.target()

    owners = [getattr(module, name) for name in _CALLABLES if hasattr(module, name)]
    return [
        _patched(owner, way, target_of, refused)
        for owner in owners
        for way in _WAYS
        if way in vars(owner)
    ]


def install_aio(module: Any) -> list[Patch]:  # noqa: ANN401  (grpc.aio._channel)
    """Patch the asynchronous clients; their channel does not keep its target, so it is kept."""

    def refused(error: ConnectionRefusedError) -> BaseException:
        aio = module.grpc.aio
        status = module.grpc.StatusCode.UNAVAILABLE
        return aio.AioRpcError(status, aio.Metadata(), aio.Metadata(), details=str(error))  # type: ignore[no-any-return]  # untyped module

    def target_of(own: Any) -> object:  # noqa: ANN401  (a multi-callable)
        return getattr(own._references[0], "_agentvcr_target", "?")

    original = module.Channel.__init__

    @dressed_as(original)
    def init(self: Any, target: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401
        self._agentvcr_target = target
        original(self, target, *args, **options)

    module.Channel.__init__ = init
    owners = [getattr(module, name) for name in _AIO_CALLABLES]
    calls = [_patched(owner, "__call__", target_of, refused) for owner in owners]
    return [(module.Channel, "__init__", original), *calls]


def _patched(
    owner: Any,  # noqa: ANN401  (a class of the library)
    way: str,
    target_of: Callable[[Any], object],
    refused: Callable[[ConnectionRefusedError], BaseException],
) -> Patch:
    original = vars(owner)[way]

    @dressed_as(original)
    def starts(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
        handler = state.handler
        if handler is not None:
            try:
                _meet(target_of(self), self._method)
            except ConnectionRefusedError as error:  # telemetry, on replay
                raise refused(error) from None
            except Exception as error:  # noqa: BLE001  (ours: it must not become the program's)
                handler.failed(error)
        return original(self, *args, **options)

    setattr(owner, way, starts)
    return owner, way, original


def _refusal_of(grpc: Any) -> Callable[[ConnectionRefusedError], BaseException]:  # noqa: ANN401
    """Make what a call raises whose server is not there."""

    class Unavailable(grpc.RpcError):  # type: ignore[misc]  # untyped module
        def code(self) -> Any:  # noqa: ANN401  (a StatusCode)
            return grpc.StatusCode.UNAVAILABLE

        def details(self) -> str:
            return str(self)

        debug_error_string = details

        def initial_metadata(self) -> tuple[()]:
            return ()

        trailing_metadata = initial_metadata

    return lambda error: Unavailable(str(error))


def install_server(module: Any) -> list[Patch]:  # noqa: ANN401  (grpc._server or grpc.aio._server)
    """Tell where a server listens: its clients are part of the run."""
    owner = getattr(module, "_Server", None) or module.Server
    patches = []
    for name in _LISTENING:
        original = vars(owner)[name]
        patches.append((owner, name, original))
        setattr(owner, name, _listening(original))
    return patches


def _listening(original: Any) -> Any:  # noqa: ANN401  (the library's)
    @dressed_as(original)
    def add_port(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (the library's)
        port = original(self, *args, **options)
        if state.handler is not None and isinstance(port, int) and port > 1:  # 1: a Unix socket
            guard.listens(port)
        return port

    return add_port
