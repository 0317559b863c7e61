"""Read an answer of aiohttp's to its end, and have the program read it from what was kept.

Owns the stream that stands in the place of a connection's then: one of the library's own, filled.
What is told of the first reading, the tee tells (`aiohttp_streams`).
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

_END = (b"", False)
"""What the library gives as a chunk behind the last one."""


class _Nobody:
    """Stands for the connection that a stream holds back while it is full: here is none."""

    _reading_paused = False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self, **options: Any) -> None:  # noqa: ANN401  (the library's)
        pass


def kept_class(base: Any) -> Any:  # noqa: ANN401  (the library's class)
    """Make the class of a stream that fails behind what was kept, where the connection did."""

    class Kept(base):  # type: ignore[misc]  # the library's class, known when it is there
        __slots__ = ("_agentvcr_failure",)

        async def _wait(self, func_name: str) -> None:  # noqa: ARG002  (the library's)
            self.set_exception(self._agentvcr_failure)
            raise self._agentvcr_failure

        async def wait_eof(self) -> None:
            if self._agentvcr_failure is not None:
                await self._wait("wait_eof")

    return Kept


async def read_first(kind: Any, response: Any) -> None:  # noqa: ANN401  (a class, the library's)
    """Read all of an answer whose head is read; what breaks it off, the program meets there too.

    The program reads it from a stream of the class `kind`.
    """
    content = response.content
    pieces: list[tuple[bytes, bool]] = []
    failure = None
    try:
        while (piece := await content.readchunk()) != _END:
            pieces.append(piece)
    except Exception as error:  # noqa: BLE001  (the program meets it where it reads)
        failure = error
    room = content._low_water  # the same as before: a line may be as long as that
    kept = response.content = kind(_Nobody(), room, loop=response._loop)
    kept._agentvcr_failure = failure
    if any(ends_chunk for _, ends_chunk in pieces):
        kept.begin_http_chunk_receiving()
    for data, ends_chunk in pieces:
        kept.feed_data(data)
        if ends_chunk:
            kept.end_http_chunk_receiving()
    if failure is None:
        kept.feed_eof()
