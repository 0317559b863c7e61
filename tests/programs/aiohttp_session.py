"""What the cases with aiohttp share: a session, and what is seen. Not a program by itself."""

import os

import aiohttp

from tests.programs.transport_client import SHORT_S, TIMEOUT_S, shown

URL = os.environ.get("BASE_URL", "")
_HIDDEN = (b"set-cookie",)
__all__ = ["SHORT_S", "URL", "answer", "asked", "head", "named", "pieces", "session", "shown"]


def session(**options):
    """A session at the server."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    return aiohttp.ClientSession(**{"base_url": URL, "timeout": timeout, **options})


def named(error):
    """An exception: its class, its words, and the number that the system has for it."""
    kind = type(error)
    told = {"error": f"{kind.__module__}.{kind.__qualname__}", "message": str(error)}
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
        told["cause"] = [type(cause).__name__, cause.errno, cause.strerror, error.host, error.port]
    if isinstance(error, aiohttp.ClientResponseError):
        told["status"] = [error.status, error.message, error.request_info.method]
    return told


def head(response):
    """All that the client knows of an answer before its body."""
    pairs = [
        (name.decode("latin-1"), "" if name.lower() in _HIDDEN else value.decode("latin-1"))
        for name, value in response.raw_headers
    ]
    version = f"{response.version.major}.{response.version.minor}"
    return {
        "status": response.status,
        "reason": response.reason,
        "version": version,
        "headers": pairs,
        "cookies": sorted(response.cookies),
    }


async def pieces(coming):
    """What an iteration gave, and what broke it off."""
    got, told = [], {}
    try:
        async for piece in coming:
            got.append(piece)  # noqa: PERF401 - what came before an error counts
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the program sees
        told = named(error)
    if got and isinstance(got[0], tuple):
        # An empty one says that the end came later than the last piece: the network's matter.
        sizes = [[len(data), is_whole] for data, is_whole in got if data]
        return {**told, "whole": shown(b"".join(data for data, _ in got)), "sizes": sizes}
    return {**told, "whole": shown(b"".join(got)), "sizes": [len(piece) for piece in got]}


async def answer(client, method, url, *, how=None, **options):
    """Stream one answer from head to end."""
    try:
        async with client.request(method, url, **options) as response:
            content = response.content
            coming = how(content) if how else content.iter_any()
            return {**head(response), **(await pieces(coming))}
    except Exception as error:  # noqa: BLE001 - as above
        return named(error)


def asked(method, url, *, session_options=None, **options):
    """Make a case of one streamed answer."""

    async def case():
        async with session(**(session_options or {})) as client:
            return await answer(client, method, url, **options)

    return case
