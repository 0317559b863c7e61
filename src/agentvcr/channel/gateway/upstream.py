"""Send a program's request on to where it would have gone.

Owns the connections to providers, through httpcore: no redirect is followed, nothing is decoded, no
header is added but those that frame the message. httpx above it would add a third to the time until
the first answer.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import urllib.request
from urllib.parse import unquote, urlsplit

import certifi
import httpcore

from agentvcr.channel.gateway.caller import Asked, to_upstream

_MOST_KEPT = 100
_KEPT_S = 5.0
"""Seconds that an idle connection is kept, as clients do: what lies on the way drops older ones."""
_ADDED = ("NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")
"""Variables that name authorities for one kind of program, beside what `SSL_CERT_FILE` says."""


class Upstream:
    """The way out: directly, or through the proxy that the environment names."""

    def __init__(self) -> None:
        """Read the environment's proxies, as other programs do."""
        self._proxies = urllib.request.getproxies()
        self._pools: dict[tuple[str, bool], httpcore.AsyncConnectionPool] = {}

    async def ask(self, asked: Asked, url: str) -> httpcore.Response:
        """Send a request and return its answer, whose body is still to be read.

        Raises:
            Exception: There was no answer.
        """
        parts = urlsplit(url)
        had_length = any(name.lower() == b"content-length" for name, _ in asked.headers)
        headers = to_upstream(asked.headers, parts.netloc.encode("latin-1"))
        if asked.body or had_length:
            headers.append((b"Content-Length", str(len(asked.body)).encode()))
        request = httpcore.Request(asked.method, url, headers=headers, content=asked.body)
        pool = self._pool(parts.scheme, parts.hostname or "")
        return await pool.handle_async_request(request)

    def _pool(self, scheme: str, host: str) -> httpcore.AsyncConnectionPool:
        proxy = "" if urllib.request.proxy_bypass(host) else self._proxies.get(scheme, "")
        found = self._pools.get((proxy, scheme == "https"))
        if found is None:
            found = httpcore.AsyncConnectionPool(
                ssl_context=ssl_context() if scheme == "https" else None,
                max_connections=None,
                max_keepalive_connections=_MOST_KEPT,
                keepalive_expiry=_KEPT_S,
                proxy=_proxy(proxy) if proxy else None,
            )
            self._pools[proxy, scheme == "https"] = found
        return found


def _proxy(url: str) -> httpcore.Proxy:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    host = parts.netloc.rpartition("@")[2]
    who = (unquote(parts.username or ""), unquote(parts.password or ""))
    return httpcore.Proxy(f"{parts.scheme}://{host}", auth=who if parts.username else None)


def ssl_context() -> ssl.SSLContext:
    """Trust whom the program would: what the environment names, else the system's and certifi's."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    context = ssl.create_default_context(cafile=file or None, capath=folder or None)
    more = [os.environ[name] for name in _ADDED if os.environ.get(name)]
    for one in more if file or folder else [certifi.where(), *more]:
        with contextlib.suppress(OSError):  # those that name none are for the program to complain
            context.load_verify_locations(one)
    return context
