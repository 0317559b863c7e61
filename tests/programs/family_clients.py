"""One way to use the clients that are built on `http.client`. Not a program by itself.

Owns the sameness: a case is written once, over `ask` and `stream`. What is told of an answer is
what the program itself has of it. No client is imported but the one that is used.
"""

import contextlib
import hashlib
import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request

URL = os.environ.get("BASE_URL", "")
TIMEOUT_S = 20
SHORT_S = 0.2
"""How long a case waits for what never comes."""
_HIDDEN = {"set-cookie"}
"""Answered with a placeholder in a replay, on purpose."""
_AS_IT_COMES = ("read1", "peek", "lines", "readline")
"""Ways of reading that give what is there."""
_ADDRESS = re.compile(r" (at|object at) 0x[0-9a-f]+")


def shown(data):
    """Bytes as JSON has them; long ones by length and hash."""
    if len(data) > 2000:
        return f"{len(data)} bytes, {hashlib.sha256(data).hexdigest()}"
    return data.decode("latin-1")


def pairs(items):
    return [[name, "" if name.lower() in _HIDDEN else value] for name, value in items]


def named(error):
    """An exception and all that it was made of: classes, words and arguments."""
    told = []
    while error is not None and len(told) < 8:
        kind = type(error)
        words = _ADDRESS.sub("", f"{error} | {error!r}")
        told.append(
            [f"{kind.__module__}.{kind.__qualname__}", words, getattr(error, "errno", None)]
        )
        error = error.__cause__ or error.__context__
    return {"error": told}


def drained(pieces, most=None, *, by_chance=False):
    """Read on to the end, or for `most` pieces: the pieces, and what broke off.

    Where the network alone decides how a long body is cut, by chance, that is left out.
    """
    got, told = [], {}
    try:
        while most is None or len(got) < most:
            piece = next(pieces, None)
            if piece is None:
                break
            got.append(piece)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the program sees
        told = named(error)
    whole = b"".join(got)
    if len(whole) > 2000:
        sizes = sorted({len(piece) for piece in got})
        return {**told, "whole": shown(whole), **({} if by_chance else {"sizes": sizes})}
    return {**told, "pieces": [shown(piece) for piece in got]}


class Client:
    """What each client does: ask for a whole answer, or open a stream."""

    follows = True
    """Whether it follows redirects by itself."""

    def ask(self, method, path, **options):
        """Ask, and tell the whole answer or the exception."""
        try:
            return self.whole(method, _url(path), **options)
        except Exception as error:  # noqa: BLE001 - as above
            return named(error)

    def stream(self, path, most=None, **options):
        """Open a stream, and tell its head and `most` of its pieces, or all."""
        try:
            head, pieces, close = self.open(_url(path), **options)
        except Exception as error:  # noqa: BLE001 - as above
            return named(error)
        by_chance = options.get("how") in _AS_IT_COMES
        told = {**head, **drained(pieces, most, by_chance=by_chance)}
        close()
        return told


def _url(path):
    return path if path.startswith("http") else URL + path


class HttpClient(Client):
    """The standard library's, used directly; a connection for each request."""

    follows = False

    def _send(self, method, url, body, headers, timeout):
        parts = urllib.parse.urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        conn = kinds[parts.scheme](parts.netloc, timeout=timeout)
        try:
            target = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
            conn.request(method, target, body, headers or {})
            return conn, conn.getresponse()
        except BaseException:
            conn.close()
            raise

    def whole(self, method, url, body=None, headers=None, timeout=TIMEOUT_S):
        conn, response = self._send(method, url, body, headers, timeout)
        with contextlib.closing(conn):
            return {**self._head(response), "content": shown(response.read())}

    def open(self, url, how="read1", timeout=TIMEOUT_S):
        conn, response = self._send("GET", url, None, None, timeout)
        read = {
            "read1": lambda: response.read1(65536),
            "readline": response.readline,
            "read": lambda: response.read(7),
            "peek": lambda: response.read(len(response.peek())) if response.peek() else b"",
            "readinto": lambda: self._into(response),
        }[how]

        def close():
            response.close()
            conn.close()

        return self._head(response), iter(read, b""), close

    def _into(self, response):
        buffer = bytearray(10)
        return bytes(buffer[: response.readinto(buffer)])

    def _head(self, response):
        return {
            "status": response.status,
            "reason": response.reason,
            "version": response.version,
            "headers": pairs(response.getheaders()),
        }


class Urllib(HttpClient):
    """The standard library's `urllib.request`."""

    follows = True

    def _send(self, method, url, body, headers, timeout):
        asked = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        try:
            response = urllib.request.urlopen(asked, timeout=timeout)
        except urllib.error.HTTPError as error:
            response = error
        return response, response

    def _head(self, response):
        return {
            "status": response.status,
            "reason": str(response.reason),
            "headers": pairs(response.headers.items()),
            "url": response.url.rpartition("/")[2].partition("?")[0],
        }


class Urllib3(Client):
    """urllib3, with a pool of its own."""

    def __init__(self):
        import urllib3

        self.pool = urllib3.PoolManager(retries=urllib3.Retry(0, redirect=5))

    def whole(self, method, url, body=None, headers=None, timeout=TIMEOUT_S):
        response = self.pool.request(method, url, body=body, headers=headers, timeout=timeout)
        return {**self._head(response), "content": shown(response.data)}

    def open(self, url, how="stream", timeout=TIMEOUT_S):
        response = self.pool.request("GET", url, preload_content=False, timeout=timeout)
        pieces = {
            "stream": lambda: response.stream(65536),
            "raw": lambda: response.stream(65536, decode_content=False),
            "read_chunked": response.read_chunked,
            "read1": lambda: iter(lambda: response.read1(65536), b""),
            "read": lambda: iter(lambda: response.read(7), b""),
            "lines": lambda: iter(response),
        }[how]()

        def close():
            response.close()
            response.release_conn()

        return self._head(response), iter(pieces), close

    def _head(self, response):
        return {
            "status": response.status,
            "reason": response.reason,
            "version": response.version,
            "headers": pairs(response.headers.items()),
        }


class Requests(Client):
    """requests, with one session."""

    def __init__(self):
        import requests

        self.session = requests.Session()
        self.session.trust_env = False

    def whole(self, method, url, body=None, headers=None, timeout=TIMEOUT_S):
        response = self.session.request(method, url, data=body, headers=headers, timeout=timeout)
        hops = [[hop.status_code, hop.headers.get("Location")] for hop in response.history]
        return {**self._head(response), "content": shown(response.content), "hops": hops}

    def open(self, url, how="content", timeout=TIMEOUT_S):
        response = self.session.get(url, stream=True, timeout=timeout)
        pieces = {
            "content": lambda: response.iter_content(None),
            "by_seven": lambda: response.iter_content(7),
            "lines": lambda: response.iter_lines(1),
            "raw": lambda: response.raw.stream(65536, decode_content=False),
        }[how]()
        return self._head(response), pieces, response.close

    def _head(self, response):
        return {
            "status": response.status_code,
            "reason": response.reason,
            "headers": pairs(response.headers.items()),
        }


class Httplib2(Client):
    """httplib2, which reads whole answers only."""

    def __init__(self):
        import httplib2

        self.kind = httplib2.Http
        self.http = self.kind(timeout=TIMEOUT_S)

    def whole(self, method, url, body=None, headers=None, timeout=TIMEOUT_S):
        http = self.http if timeout == TIMEOUT_S else self.kind(timeout=timeout)
        response, content = http.request(url, method, body=body, headers=headers)
        told = [[name, value] for name, value in response.items() if name != "set-cookie"]
        return {
            "status": response.status,
            "reason": response.reason,
            "headers": sorted(told),
            "content": shown(content),
        }


class Botocore(Client):
    """botocore's own session below its clients, which knows no service."""

    follows = False

    def _send(  # noqa: PLR0913 - what a request consists of
        self, method, url, body, headers, timeout, *, streams
    ):
        import botocore.awsrequest
        import botocore.httpsession

        session = botocore.httpsession.URLLib3Session(timeout=timeout)
        asked = botocore.awsrequest.AWSRequest(
            method, url, headers or {}, body, stream_output=streams
        )
        return session.send(asked.prepare())

    def whole(self, method, url, body=None, headers=None, timeout=TIMEOUT_S):
        response = self._send(method, url, body, headers, timeout, streams=False)
        return {**self._head(response), "content": shown(response.content)}

    def open(self, url, how="stream", timeout=TIMEOUT_S):
        response = self._send("GET", url, None, None, timeout, streams=True)
        pieces = {
            "stream": response.raw.stream,
            "read": lambda: iter(lambda: response.raw.read(7), b""),
        }[how]()
        return self._head(response), pieces, response.raw.close

    def _head(self, response):
        return {"status": response.status_code, "headers": pairs(response.headers.items())}


CLIENTS = {
    "http.client": HttpClient,
    "urllib": Urllib,
    "urllib3": Urllib3,
    "requests": Requests,
    "httplib2": Httplib2,
    "botocore": Botocore,
}
HOWS = {
    "http.client": ("read1", "readline", "read", "peek", "readinto"),
    "urllib": ("read1", "readline", "read"),
    "urllib3": ("stream", "raw", "read_chunked", "read1", "read", "lines"),
    "requests": ("content", "by_seven", "lines", "raw"),
    "httplib2": (),
    "botocore": ("stream", "read"),
}
"""The ways in which each client reads a stream."""
