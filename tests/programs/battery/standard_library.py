"""http.client and urllib.request in the words of the battery. Not a program by itself."""

import contextlib
import http.client
import ssl
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from tests.programs.battery.client import Answer, Client, each, encoded, lacking

_AS_IT_COMES = 65536


def _body_of(ask):
    headers, body = encoded(ask)
    return headers, body if ask.parts is None else iter(ask.parts)


def _pieces(response):
    """By the peer's own pieces."""
    while data := response.read1(_AS_IT_COMES):
        yield data


def _answer(response, **more):
    return Answer(status=response.status, headers=list(response.headers.items()), **more)


class HttpClient(Client):
    """One connection to each server, kept between requests."""

    without = lacking(
        redirects="follows none",
        retries="has none",
        http2="speaks HTTP/1.1 alone",
    )
    decodes = frozenset()
    is_shared = False

    def __init__(self, options):
        self._options = options
        self._open = {}

    def _connection(self, url):
        place = (url.scheme, url.hostname, url.port)
        if place not in self._open:
            self._open[place] = self._connected(url)
        return self._open[place]

    def _connected(self, url):
        options = self._options
        to = urlsplit(options.proxy) if options.proxy else url
        if url.scheme == "http":
            return http.client.HTTPConnection(to.hostname, to.port, timeout=options.timeout_s)
        context = ssl.create_default_context(cafile=options.ca or None)
        connection = http.client.HTTPSConnection(
            to.hostname, to.port, timeout=options.timeout_s, context=context
        )
        if options.proxy:
            connection.set_tunnel(url.hostname, url.port)
        return connection

    @contextlib.contextmanager
    def _asked(self, ask):
        url = urlsplit(ask.url)
        target = ask.url if self._options.proxy and url.scheme == "http" else _target(url)
        connection = self._connection(url)
        headers, body = _body_of(ask)
        try:
            connection.request(ask.method, target, body, headers)
            response = connection.getresponse()
            yield response
        except BaseException:
            connection.close()
            raise
        if not response.isclosed():
            response.close()
            connection.close()

    async def ask(self, ask):
        with self._asked(ask) as response:
            return _answer(response, body=response.read())

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        with self._asked(ask) as response:
            yield _answer(response, pieces=each(_pieces(response)))

    async def close(self):
        for connection in self._open.values():
            connection.close()


def _target(url):
    return url.path + ("?" + url.query if url.query else "")


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class UrllibRequest(Client):
    """An opener; each request has a connection of its own."""

    without = lacking(
        retries="has none",
        http2="speaks HTTP/1.1 alone",
    )
    decodes = frozenset()

    def __init__(self, options):
        proxies = dict.fromkeys(("http", "https"), options.proxy) if options.proxy else {}
        context = ssl.create_default_context(cafile=options.ca or None)
        handlers = [
            urllib.request.ProxyHandler(proxies),
            urllib.request.HTTPSHandler(context=context),
        ]
        self._following = urllib.request.build_opener(*handlers)
        self._staying = urllib.request.build_opener(*handlers, _Stays)
        self._timeout_s = options.timeout_s

    def _asked(self, ask):
        headers, body = _body_of(ask)
        request = urllib.request.Request(ask.url, body, headers, method=ask.method)
        opener = self._following if ask.follows else self._staying
        try:
            return opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            return error  # an answer whose status is none of the good ones

    async def ask(self, ask):
        with self._asked(ask) as response:
            return _answer(response, body=response.read())

    @contextlib.asynccontextmanager
    async def stream(self, ask):
        with self._asked(ask) as response:
            yield _answer(response, pieces=each(_pieces(response)))
