"""A handler that keeps what it is told, for tests of the shim's two halves."""

import json

from agentvcr.inside.exchange import Forward, ReplayHalt, Serve


def line(**fields):
    return json.dumps({"jsonrpc": "2.0", **fields}).encode() + b"\n"


class Sink:
    def __init__(self):
        self.chunks, self.ended, self.status = [], None, 0

    def head(self, status, *_rest):
        self.status = status

    def chunk(self, data):
        self.chunks.append(data)

    def end(self, kind, _error=None):
        self.ended = self.ended or kind


class Recording:
    """Keeps a sink for each request, by its address."""

    def __init__(self):
        self.told, self.failures = [], []

    def begin(self, request):
        sink = Sink()
        self.told.append((request.url, sink))
        return Forward(sink)

    def failed(self, error):
        self.failures.append(error)
        raise AssertionError(error)

    def __getitem__(self, url):
        return next(sink for one, sink in self.told if one == url)


class Replaying:
    """Serves, by address, `(chunks, end kind, recorded id)`; each once."""

    def __init__(self, answers):
        self.answers = {url: list(several) for url, several in answers.items()}
        self.taken = []

    def begin(self, request):
        if not self.answers.get(request.url):
            raise ReplayHalt(request.url)
        chunks, kind, number = self.answers[request.url].pop(0)
        return Serve(
            status=200,
            reason=b"",
            http_version=b"",
            headers=[(b"x-mcp-id", str(number).encode())] if number else [],
            chunks=list(chunks),
            delays_ns=[],
            end_kind=kind,
            failure=None,
            taken=lambda count, how: self.taken.append((request.url, count, how)),
        )

    def failed(self, error):
        raise AssertionError(error)
