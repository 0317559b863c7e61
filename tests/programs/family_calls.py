"""Do with a client of the http.client family what programs do, and print what the program sees.

`python -m tests.programs.family_calls CLIENT GROUP`, with a `script_server` at BASE_URL. Prints one
JSON line for each case, in order: `[name, what was seen]`.
"""

import io
import json
import os
import sys

from tests.programs.family_clients import CLIENTS, HOWS, SHORT_S

REFUSED = os.environ.get("REFUSED_URL", "")
FULL = os.environ.get("FULL_URL", "")
KEY = os.environ.get("KEY", "")
THREE = "/sse?events=3&then=hang"


def _ask(method, path, **options):
    return lambda client: client.ask(method, path, **options)


def _stream(path, **options):
    return lambda client: client.stream(path, **options)


def _file(text):
    return io.BytesIO(text)


def _parts(*sizes):
    return (bytes([97 + place]) * size for place, size in enumerate(sizes))


def _uploads(client, body):
    return client.ask("POST", "/echo", body=body, headers={"Content-Type": "text/plain"})


def many_on_one_client(client):
    asked = [client.ask("POST", "/echo", body=b"%d" % (n % 3)) for n in range(9)]
    return [one["content"] for one in asked]


def retry_after(client):
    path = f"/retry?key={KEY}-{type(client).__name__}&after=0"
    return [client.ask("POST", path, body=b"{}") for _ in range(2)]


def answers(name):
    """Cases in which everything goes well."""
    cases = {
        "get": _ask("GET", "/json"),
        "query": _ask("GET", "/echo?b=2&a=%C3%A9%20x&a=1"),
        "head": _ask("HEAD", "/promised"),
        "no_content": _ask("GET", "/empty"),
        "not_found": _ask("GET", "/nothing-here"),
        "unavailable": _ask("GET", "/json?code=503"),
        "headers": _ask("GET", "/headers"),
        "gzip": _ask("GET", "/gzip"),
        "post": _ask("POST", "/echo", body=b'{"a": 1}'),
        "post_nothing": _ask("POST", "/echo", body=b""),
        "put_large": _ask("PUT", "/echo", body=b"x" * 3_000_000),
        "delete": _ask("DELETE", "/echo"),
        "redirect": _ask("GET", "/redirect?code=302&to=/redirect%3Fcode%3D307%26to%3D/json"),
        "large": _ask("GET", "/large?bytes=3000000"),
        "large_chunked": _ask("GET", "/large?bytes=300000&framing=chunked"),
        "large_until_close": _ask("GET", "/large?bytes=300000&framing=close"),
        "sse_whole": _ask("GET", "/sse?events=3"),
        "many_on_one_client": many_on_one_client,
        "retry_after": retry_after,
    }
    if name in ("http.client", "urllib3", "requests", "botocore"):
        cases["file"] = lambda client: _uploads(client, _file(b"y" * 30_000))
    if name in ("http.client", "urllib3", "requests"):
        cases["generator"] = lambda client: _uploads(client, _parts(3, 1, 20_000, 5))
    if name == "requests":
        cases["empty_generator"] = lambda client: _uploads(client, _parts())
    return cases


def streams(name):
    """Each way of reading, over each way of cutting."""
    cases = {}
    for how in HOWS[name]:
        for cut in ("event", "middle", "pair", "byte", "one"):
            cases[f"{how}-{cut}"] = _stream(f"/sse?events=3&cut={cut}", how=how)
        cases[f"{how}-gzip"] = _stream("/gzip-sse?events=3", how=how)
        if how != "read_chunked":
            cases[f"{how}-length"] = _stream("/large?bytes=1500", how=how)
            cases[f"{how}-close"] = _stream("/large?bytes=1500&framing=close", how=how)
        cases[f"{how}-left"] = _stream("/sse?events=5&gap_ms=10", how=how, most=2)
        cases[f"{how}-endless"] = _stream("/endless", how=how, most=3)
        cases[f"{how}-large-chunks"] = _stream("/large?bytes=200000&framing=chunked", how=how)
        cases[f"{how}-large-length"] = _stream("/large?bytes=200000", how=how)
    return cases


def failed(name):
    """Cases in which the network fails, before the head and behind it."""
    cases = {
        "refused": _ask("GET", REFUSED),
        "refused_post": _ask("POST", REFUSED, body=b"{}"),
        "refused_tls": _ask("GET", REFUSED.replace("http:", "https:")),
        "connect_timeout": _ask("GET", FULL, timeout=SHORT_S),
        "connect_timeout_tls": _ask("GET", FULL.replace("http:", "https:"), timeout=SHORT_S),
        "reset": _ask("GET", "/reset"),
        "reset_post": _ask("POST", "/reset", body=b"{}"),
        "not_http": _ask("GET", "/garbage"),
        "timeout_before_the_head": _ask("GET", "/hang", timeout=SHORT_S),
        "timeout_in_mid_body": _ask("GET", THREE, timeout=SHORT_S),
        "reset_in_mid_body": _ask("GET", "/sse?events=3&then=reset&gap_ms=20"),
        "cut_in_mid_body": _ask("GET", "/sse?events=3&then=close"),
        "truncated": _ask("GET", "/truncated?declared=1000&sent=400"),
        "alright_after_all": _ask("GET", "/json"),
    }
    for how in HOWS[name]:
        cases[f"{how}-timeout"] = _stream(THREE, how=how, timeout=SHORT_S)
        cases[f"{how}-reset"] = _stream("/sse?events=3&then=reset&gap_ms=20", how=how)
        cases[f"{how}-cut"] = _stream("/sse?events=3&then=close", how=how)
        if how != "read_chunked":
            cases[f"{how}-truncated"] = _stream("/truncated?declared=100&sent=40", how=how)
    return cases


GROUPS = {"answers": answers, "streams": streams, "failed": failed}


def main():
    name, group = sys.argv[1:]
    client = CLIENTS[name]()
    for case, call in GROUPS[group](name).items():
        print(json.dumps([case, call(client)]), flush=True)


if __name__ == "__main__":
    main()
