"""Read an answer of `http.client` to its end, and have the program read it from what was kept.

Owns the file that stands in the place of a connection's then. The client's own parser reads both
times, so that framing and errors are its own. What is told of it, the tap below tells
(`http_client_streams`).
"""

from __future__ import annotations

import io

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any


def read_first(response: Any, read1: Any) -> None:  # noqa: ANN401  (an HTTPResponse, its `read1`)
    """Read all of an answer whose head is read; what breaks it off, the program meets there too."""
    from http.client import HTTPException  # noqa: PLC0415  (it has the connection)

    framing = response.chunk_left, response.length
    keeping = response.fp = _Keeping(response.fp)
    failure: OSError | None = None
    try:
        while read1(response):  # as it comes: a longer read that fails would lose what has come
            pass
        keeping.close()
    except OSError as error:
        failure = error
    except HTTPException:
        pass  # of the framing, on which the program's reading stumbles as well
    response.fp = io.BufferedReader(_Kept(keeping, failure))
    response.chunk_left, response.length = framing


class _Keeping:
    """Keeps what the parser reads of a file."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401  (a tap)
        self.parts: list[bytes] = []
        self._file = file

    def read(self, *args: Any) -> bytes:  # noqa: ANN401  (as a BufferedReader)
        return self._keep(self._file.read(*args))

    def read1(self, *args: Any) -> bytes:  # noqa: ANN401  (as above)
        return self._keep(self._file.read1(*args))

    def readline(self, *args: Any) -> bytes:  # noqa: ANN401  (as above)
        return self._keep(self._file.readline(*args))

    def _keep(self, data: bytes) -> bytes:
        self.parts.append(data)
        return data

    def close(self) -> None:
        self._file.close()


class _Kept(io.RawIOBase):
    """Gives what was kept, and fails at its end as the connection did."""

    def __init__(self, keeping: _Keeping, failure: OSError | None) -> None:
        self._data = io.BytesIO(b"".join(keeping.parts))
        self._keeping = keeping
        self._failure = failure

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  (any buffer)
        size = self._data.readinto(buffer)
        if not size and len(buffer) and self._failure is not None:
            raise self._failure
        return size

    def close(self) -> None:
        self._keeping.close()
        super().close()
