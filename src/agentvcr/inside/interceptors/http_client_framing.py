"""Take the framing off a body as its bytes arrive: what is content, and where the body ends.

Owns the two framings that `http.client` knows. Keeps the boundaries in which content came; does not
read anything itself (`http_client_streams`).
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_LINE = 65536


class Piece:
    """Content that belongs together: where it starts on the wire, and its bytes."""

    __slots__ = ("is_whole", "parts", "start")

    def __init__(self, start: int, data: bytes, *, is_whole: bool) -> None:
        """Start at offset `start` of the body on the wire."""
        self.start = start
        self.parts = [data]
        self.is_whole = is_whole


class Framing:
    """A body as far as it has arrived: the pieces that nobody was told of, and where it ends."""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self.pieces: list[Piece] = []
        self.arrived = 0
        """Bytes of the wire so far."""
        self.end: int | None = None
        """Offset on the wire behind the body, once that is known."""

    def feed(self, data: bytes) -> None:
        """Take bytes that have arrived."""
        raise NotImplementedError

    def take(self, consumed: int, *, partly: bool = False) -> list[bytes]:
        """Take the pieces of which the client has had a byte, when `consumed` bytes were read.

        A chunk that has not come whole is left for later, or is taken `partly` where none is.
        """
        count = 0
        for piece in self.pieces:
            if piece.start >= consumed or not (piece.is_whole or partly):
                break
            count += 1
        taken = [b"".join(piece.parts) for piece in self.pieces[:count]]
        del self.pieces[:count]
        return taken

    @property
    def missing(self) -> int | None:
        """Bytes that were promised and have not come; None where nobody knows."""
        return None


class Plain(Framing):
    """A body of a known length, or one that lasts until the connection is closed."""

    def __init__(self, length: int | None) -> None:
        """Expect `length` bytes."""
        super().__init__()
        self.end = length

    def feed(self, data: bytes) -> None:
        """Keep what arrives together as one piece."""
        if self.end is not None:
            data = data[: max(0, self.end - self.arrived)]
        if data:
            self.pieces.append(Piece(self.arrived, data, is_whole=True))
        self.arrived += len(data)

    @property
    def missing(self) -> int | None:
        """Bytes that are still to come."""
        return None if self.end is None else self.end - self.arrived


class Chunked(Framing):
    """A body in chunks, each of which is a piece: clients hand them on as they are."""

    def __init__(self) -> None:
        """Begin before the size of the first chunk."""
        super().__init__()
        self._line = b""
        self._left = 0
        self._is_broken = False
        self._is_new = True
        self._read: Callable[[bytes, int], int] = self._size

    def feed(self, data: bytes) -> None:
        """Go through what arrives, whatever the cuts."""
        position = 0
        while position < len(data) and self.end is None and not self._is_broken:
            taken = self._read(data, position)
            position += taken
            self.arrived += taken
            if self._read == self._done:
                self.end = self.arrived

    def _line_of(self, data: bytes, position: int) -> tuple[bytes | None, int]:
        """Go on with a line: the whole of it, or None, and how many bytes that took."""
        stop = data.find(b"\n", position)
        if stop < 0:
            self._line += data[position:]
            self._is_broken = len(self._line) > _LONGEST_LINE
            return None, len(data) - position
        line, self._line = self._line + data[position : stop + 1], b""
        return line, stop + 1 - position

    def _size(self, data: bytes, position: int) -> int:
        line, taken = self._line_of(data, position)
        if line is not None:
            try:
                self._left = int(line.partition(b";")[0], 16)
            except ValueError:  # not chunked at all: the client will say so
                self._is_broken = True
                return taken
            self._read = self._content if self._left else self._trailer
            self._is_new = True
        return taken

    def _content(self, data: bytes, position: int) -> int:
        part = data[position : position + self._left]
        if self._is_new:
            self.pieces.append(Piece(self.arrived, part, is_whole=False))
        else:
            self.pieces[-1].parts.append(part)
        self._is_new = False
        self._left -= len(part)
        if not self._left:
            self.pieces[-1].is_whole = True
            self._read = self._break
        return len(part)

    def _break(self, data: bytes, position: int) -> int:
        line, taken = self._line_of(data, position)
        if line is not None:
            self._read = self._size
        return taken

    def _trailer(self, data: bytes, position: int) -> int:
        line, taken = self._line_of(data, position)
        if line is not None and not line.strip(b"\r\n"):
            self._read = self._done
        return taken

    def _done(self, data: bytes, position: int) -> int:
        return len(data) - position


def content_of(data: bytes) -> bytes:
    """Take the chunks off a whole body; what is not in chunks stays as it is."""
    framing = Chunked()
    framing.feed(data)
    if framing.end is None:
        return data
    return b"".join(framing.take(framing.end))
