"""A gRPC server on loopback, with generic handlers: no protoc, bytes in and bytes out.

Owns the service `/demo.Echo/…`, one method for each of the four shapes of a call.
"""

import threading
from concurrent import futures

import grpc


class EchoService(grpc.GenericRpcHandler):
    """Answers bytes with bytes, and counts."""

    def __init__(self) -> None:
        self.count = 0
        self._counting = threading.Lock()

    def _counted(self, data: bytes) -> bytes:
        with self._counting:
            self.count += 1
        return b"echo " + data

    def service(self, handler_call_details):
        handlers = {
            "Say": grpc.unary_unary_rpc_method_handler(lambda one, _: self._counted(one)),
            "Many": grpc.unary_stream_rpc_method_handler(
                lambda one, _: iter([self._counted(one)] * 2)
            ),
            "Join": grpc.stream_unary_rpc_method_handler(
                lambda several, _: self._counted(b"".join(several))
            ),
            "Chat": grpc.stream_stream_rpc_method_handler(
                lambda several, _: map(self._counted, several)
            ),
        }
        return handlers.get(handler_call_details.method.rpartition("/")[2])


class EchoServer:
    """Serves while the block lasts; `address` says where."""

    def __init__(self) -> None:
        self._service = EchoService()
        self._server = grpc.server(futures.ThreadPoolExecutor(4))
        self._server.add_generic_rpc_handlers((self._service,))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.address = f"127.0.0.1:{self.port}"

    @property
    def count(self) -> int:
        """How many calls it got."""
        return self._service.count

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop(None).wait()
