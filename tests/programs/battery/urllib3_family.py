"""urllib3, requests and botocore in the words of the battery. Not a program by itself."""

import contextlib

import requests
import urllib3
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from tests.programs.battery.client import Answer, Client, each, encoded, lacking

_MANY = 32
"""Connections that a pool keeps: more than the battery has threads."""


def _retries(options, **more):
    """Let the client itself retry after an answer, and after nothing else."""
    return Retry(
        total=None,
        connect=0,
        read=0,
        other=0,
        status=options.retries,
        status_forcelist=[429, 529] if options.retries else [],
        allowed_methods=None,
        **more,
    )


class Urllib3(Client):
    """A pool manager."""

    without = lacking(http2="speaks HTTP/1.1 alone")
    decodes = frozenset({"gzip", "br"})

    def __init__(self, options):
        kept = {"timeout": options.timeout_s, "maxsize": _MANY, "ca_certs": options.ca or None}
        make = urllib3.PoolManager
        if options.proxy:
            kept["proxy_url"], make = options.proxy, urllib3.ProxyManager
        self._pool = make(**kept)
        self._retries = _retries(options, redirect=10)

    def _asked(self, ask, *, whole):
        given = {"body": ask.body if ask.parts is None else iter(ask.parts)}
        if ask.files is not None:
            given = {"fields": {name: (name, data) for name, data in ask.files.items()}}
        return self._pool.request(
            ask.method,
            ask.url,
            headers=ask.headers or None,
            redirect=ask.follows,
            retries=self._retries,
            preload_content=whole,
            **given,
        )

    async def ask(self, ask):
        response = self._asked(ask, whole=True)
        return _answer(response, body=response.data)

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        response = self._asked(ask, whole=False)
        with contextlib.closing(response):
            yield _answer(response, pieces=each(response.stream(decode_content=True)))

    async def close(self):
        self._pool.clear()


def _answer(response, **more):
    return Answer(status=response.status, headers=list(response.headers.items()), **more)


class Requests(Client):
    """A session."""

    without = lacking(http2="speaks HTTP/1.1 alone")
    decodes = frozenset({"gzip", "br"})

    def __init__(self, options):
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = options.ca or True
        if options.proxy:
            self._session.proxies = {"http": options.proxy, "https": options.proxy}
        adapter = HTTPAdapter(pool_maxsize=_MANY, max_retries=_retries(options))
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        self._timeout_s = options.timeout_s

    def _asked(self, ask, **more):
        return self._session.request(
            ask.method,
            ask.url,
            headers=ask.headers,
            data=ask.body if ask.parts is None else iter(ask.parts),
            files=ask.files and {name: (name, data) for name, data in ask.files.items()},
            allow_redirects=ask.follows,
            timeout=self._timeout_s,
            **more,
        )

    async def ask(self, ask):
        response = self._asked(ask)
        return _requests_answer(response, body=response.content)

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        with self._asked(ask, stream=True) as response:
            pieces = each(response.iter_content(chunk_size=None))
            yield _requests_answer(response, pieces=pieces)

    async def close(self):
        self._session.close()


class Botocore(Client):
    """The session that its clients send their signed requests through."""

    without = lacking(
        redirects="follows none itself",
        retries="has them above the session",
        http2="speaks HTTP/1.1 alone",
    )
    decodes = frozenset()

    def __init__(self, options):
        proxies = {"http": options.proxy, "https": options.proxy} if options.proxy else None
        self._session = URLLib3Session(
            verify=options.ca or True,
            proxies=proxies,
            timeout=options.timeout_s,
            max_pool_connections=_MANY,
        )

    def _asked(self, ask, *, streams=False):
        headers, body = encoded(ask)
        data = body if ask.parts is None else (part for part in ask.parts)
        request = AWSRequest(ask.method, ask.url, headers, data, stream_output=streams)
        return self._session.send(request.prepare())

    async def ask(self, ask):
        response = self._asked(ask)
        return _requests_answer(response, body=response.content)

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        response = self._asked(ask, streams=True)
        with contextlib.closing(response.raw):
            yield _requests_answer(response, pieces=each(response.raw.stream()))

    async def close(self):
        self._session.close()


def _requests_answer(response, **more):
    return Answer(status=response.status_code, headers=list(response.headers.items()), **more)
