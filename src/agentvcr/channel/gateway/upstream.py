"""Send a program's request on to where it would have gone.

Owns the connections to providers, through httpx's transport: no redirect is followed, nothing is
decoded, no header is added but those that frame the message.
"""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

import httpx

from agentvcr.channel.gateway.caller import Asked, to_upstream

_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)


class Upstream:
    """The way out: directly, or through the proxy that the environment names."""

    def __init__(self) -> None:
        """Read the environment's proxies, as other programs do."""
        self._proxies = urllib.request.getproxies()
        self._transports: dict[str, httpx.AsyncHTTPTransport] = {}

    async def ask(self, asked: Asked, url: str) -> httpx.Response:
        """Send a request and return its answer, whose body is still to be read.

        Raises:
            httpx.TransportError: There was no answer.
        """
        parts = urlsplit(url)
        host = parts.netloc.encode("latin-1")
        request = httpx.Request(
            asked.method, url, headers=to_upstream(asked.headers, host), content=asked.body
        )
        had_length = any(name.lower() == b"content-length" for name, _ in asked.headers)
        if not asked.body and not had_length:
            request.headers.pop("content-length", None)
        transport = self._transport(parts.scheme, parts.hostname or "")
        return await transport.handle_async_request(request)

    def _transport(self, scheme: str, host: str) -> httpx.AsyncHTTPTransport:
        proxy = "" if urllib.request.proxy_bypass(host) else self._proxies.get(scheme, "")
        found = self._transports.get(proxy)
        if found is None:
            found = httpx.AsyncHTTPTransport(limits=_LIMITS, proxy=proxy or None)
            self._transports[proxy] = found
        return found
