"""One way to use every HTTP client: what a case of the battery asks, and what it is told.

Owns the neutral words, and how a case is run: it is written once, as a coroutine. Through a
blocking client nothing ever waits in it, so it is driven by hand and no event loop runs.
"""

import asyncio
import uuid
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a client is made."""

    timeout_s: float = 20
    ca: str = ""
    """File of the only authority that is believed; empty for the machine's own."""
    proxy: str = ""
    retries: int = 0
    """How often the client itself asks again after 429 and 529."""
    http2: bool = False


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request. Of `body`, `parts` (a body that comes in parts) and `files`, at most one."""

    url: str
    method: str = "GET"
    headers: dict = field(default_factory=dict)
    body: bytes | None = None
    parts: list | None = None
    files: dict | None = None
    follows: bool = False
    """Whether the client follows redirects."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, as the client shows it. Of a streamed answer, `pieces` is what to read."""

    status: int
    headers: list
    body: bytes = b""
    pieces: object = None


def lacking(**reasons):
    """Declare what a client cannot do, or is not recorded, and why: such cases are left out."""
    return reasons


class Client:
    """A client library in these words.

    Attributes:
        waits: Whether it is used from coroutines.
        without: What it cannot do (`lacking`).
        decodes: The content encodings that it takes off.
        is_shared: Whether threads may use one client together.
    """

    waits = False
    without = frozenset()
    decodes = frozenset({"gzip"})
    is_shared = True

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def ask(self, ask):
        """Read one answer whole."""
        raise NotImplementedError

    def stream(self, ask):
        """Enter one answer, whose pieces are read in the block and which is closed after it."""
        raise NotImplementedError

    async def close(self):
        """End it, with the connections that it keeps."""

    @classmethod
    def run(cls, case):
        """Run a case to its end."""
        if cls.waits:
            return asyncio.run(case)
        try:
            case.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("a case through a blocking client waited")


async def each(pieces):
    """Make what a blocking client iterates over look like what the others do."""
    for piece in pieces:
        yield piece


async def parts_of(ask):
    """A body in parts, for clients that wait."""
    for part in ask.parts:
        yield part


def encoded(ask):
    """Write the files of a request as a form with a boundary by chance, where no client does it."""
    if ask.files is None:
        return dict(ask.headers), ask.body
    boundary = uuid.uuid4().hex
    lines = []
    for name, content in ask.files.items():
        place = f'form-data; name="{name}"; filename="{name}"'
        lines += [f"--{boundary}".encode(), f"Content-Disposition: {place}".encode(), b"", content]
    body = b"\r\n".join([*lines, f"--{boundary}--".encode(), b""])
    return {**ask.headers, "Content-Type": f"multipart/form-data; boundary={boundary}"}, body
