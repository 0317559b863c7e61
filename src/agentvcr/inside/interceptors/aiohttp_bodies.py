"""The body of a request of aiohttp, read whole before it is sent.

Owns that a payload is asked for its pieces once, as without us: what it gave is kept, and sent in
the same pieces. So one that can be read once, such as an asynchronous generator, still can.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class Pieces:
    """Takes what a payload writes."""

    transport: Any = None

    def __init__(self) -> None:
        """Begin with nothing."""
        self.pieces: list[bytes] = []

    async def write(self, chunk: Any) -> None:  # noqa: ANN401  (whatever is like bytes)
        """Take a piece."""
        self.pieces.append(bytes(chunk))

    async def write_eof(self, chunk: bytes = b"") -> None:
        """Take the last piece."""
        if chunk:
            await self.write(chunk)

    async def drain(self) -> None:
        """Wait for nobody."""


class Kept:
    """The pieces of a payload, until they are sent, and what ended them."""

    def __init__(self, payload: Any) -> None:  # noqa: ANN401  (the library's)
        """Stand for the next writing of `payload`."""
        self._payload = payload
        self.pieces: list[bytes] = []
        self._error: Exception | None = None
        self._consumed = False

    async def fill(self, length: int | None) -> None:
        """Read the payload, or what was kept of it and no connection took.

        What its own code raises is kept too, for when it is sent.
        """
        payload, taking = self._payload, Pieces()
        before = getattr(payload, "_consumed", False)  # 3.12.0 does not know it
        try:
            await payload.write_with_length(taking, length)
        except Exception as error:  # noqa: BLE001  (the program's own)
            self._error = error
        self._consumed = getattr(payload, "_consumed", False)
        payload._consumed = before
        self.pieces = taking.pieces
        payload.write_with_length = self.write

    async def write(self, writer: Any, content_length: int | None = None) -> None:  # noqa: ANN401
        """Write what was read, once: whoever writes again reads again, as without us."""
        del content_length  # it was known when the payload was read
        payload = self._payload
        del payload.write_with_length
        payload._consumed = self._consumed
        for piece in self.pieces:
            await writer.write(piece)
        if self._error is not None:
            raise self._error


class Bodies:
    """Reads bodies as this library has them."""

    def __init__(self, module: ModuleType) -> None:
        """Keep what is used of the library."""
        from importlib import import_module  # noqa: PLC0415  (only who has the client)

        self._plain: Any = import_module(module.__name__ + ".payload").BytesPayload

    async def whole(self, request: Any) -> bytes:  # noqa: ANN401  (the library's)
        """Give a request's body, without the chunks of its transfer.

        What the library itself will compress is given plain: credentials can be found in it, and it
        is the same whatever packs it.
        """
        payload = request.body
        if not payload:
            return b""
        if isinstance(payload, bytes):
            pieces = [payload]
        else:
            pieces = await self._pieces(payload, request._get_content_length())
        return b"".join(pieces)

    async def _pieces(self, payload: Any, length: int | None) -> list[bytes]:  # noqa: ANN401
        if type(payload).write_with_length is self._plain.write_with_length:
            return [bytes(payload._value[:length])]
        kept = Kept(payload)
        await kept.fill(length)
        return kept.pieces
