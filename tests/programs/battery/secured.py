"""Calls over TLS, through proxies, and over HTTP/2. Not a program by itself."""

from tests.programs.battery.asking import CA, H2, JSON, PROXY, TLS, URL, from_pieces, needs, told
from tests.programs.battery.client import Options


async def over_tls(kind):
    async with kind(Options(ca=CA)) as client:
        return [
            await told(client, f"{TLS}/json"),
            await told(client, f"{TLS}/echo", method="POST", headers=JSON, body=b'{"a": 1}'),
            await from_pieces(client, f"{TLS}/sse"),
            await told(client, f"{TLS}/line"),
            await told(client, f"{TLS}/line"),
        ]


async def untrusted(kind):
    """Verification is on: this authority is none of the machine's."""
    async with kind(Options()) as client:
        return await told(client, f"{TLS}/untrusted")


@needs("proxy")
async def through_a_tunnel(kind):
    async with kind(Options(ca=CA, proxy=PROXY)) as client:
        return [
            await told(client, f"{TLS}/json"),
            await from_pieces(client, f"{TLS}/sse"),
            await told(client, f"{TLS}/json?again"),
        ]


@needs("proxy")
async def through_a_plain_proxy(kind):
    """The proxy is asked for a name that nobody has; it answers itself."""
    async with kind(Options(proxy=URL)) as client:
        return [
            await told(client, "http://nowhere.invalid/json"),
            await told(client, "http://nowhere.invalid/echo", method="POST", body=b"{}"),
        ]


@needs("http2")
async def over_http2(kind):
    async with kind(Options(ca=CA, http2=True)) as client:
        return [
            await told(client, f"{H2}/json", method="POST", body=b'{"a": 1}'),
            await from_pieces(client, f"{H2}/sse"),
            await told(client, f"{H2}/json"),
        ]
