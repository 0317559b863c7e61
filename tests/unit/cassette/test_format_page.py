"""The page of the format is true: a reader written from it alone reads what AgentVCR reads."""

import base64
import hashlib
import os
import random
import re
from itertools import chain
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.cassette.vocabulary import dictionary_bytes
from agentvcr.errors import CassetteDamagedError
from agentvcr.inside.exchange import ReplayHalt, Serve
from agentvcr.model import credentials
from agentvcr.model.exchange import EndKind, Failure, Kept
from agentvcr.model.run import Note
from tests.unit import build
from tests.unit.cassette import page_reader
from tests.unit.cassette.page_reader import Damage, find, find_by_fingerprint, read
from tests.unit.recorded import answer, ask, recorder_of, write_journal

REFERENCE = Path(__file__).parents[3] / "docs/reference"
PAGE = (REFERENCE / "cassette-format.md").read_text(encoding="utf-8")
DICTIONARY = "aa95d0655b7076c7ed78f4adc9968682730b2be9d940b683d5c5a878af2c6557"
PROCESS = {"pid": 10, "ppid": 9, "lane": "main", "argv": ["python", "a.py"], "python": "3.9.1"}
MS = build.MS


class Answers:
    """Serves one answer, and then halts."""

    def __init__(self):
        self.left = 1

    def begin(self, _request):
        if not self.left:
            raise ReplayHalt("nothing left")
        self.left -= 1
        return Serve(
            status=200,
            reason=b"OK",
            http_version=b"HTTP/2",
            headers=[(b"a", b"\xff"), (b"A", b"")],
            chunks=[b"one", b"", b"two"],
            delays_ns=[],
            end_kind="eof",
            failure=None,
            number=7,
        )


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Record something of every type, some of it long, some in flight, some of it mixed."""
    path = tmp_path_factory.mktemp("page") / "a.avcr"
    boundary = Boundary(("live.example",))
    boundary.listens(8000)
    recorder = recorder_of(path, boundary=boundary)
    recorder.process(PROCESS, 0)
    recorder.output(0, "stdout", b"\xff\x00said", 0)
    recorder.output(0, "stdin", b"", 0)
    big = os.urandom(2 * fmt.PIECE + 5)
    first = recorder.begin(ask(body=big, headers=[(b"A", b"\xff"), (b"a", b"")])).sink
    second = recorder.begin(ask("http://a.example/é?key=hidden", b"{}", lane="main/task0")).sink
    recorder.begin(ask("http://live.example/"))
    answer(recorder.begin(ask("http://localhost:8000/")).sink, [b"own"])
    answer(second, [b"", b"x", big], [(b"Set-Cookie", b"a=1"), (b"set-cookie", b"b=2")])
    recorder.flush()
    failed = recorder.begin(ask()).sink
    failed.head(500, [], b"", b"HTTP/1.1")
    failed.end("failed", ValueError("é"))
    first.chunk(b"no head")
    first.end("closed")
    recorder.begin(ask())
    recorder.lost("something")
    recorder._inner = Answers()
    recorder.begin(ask()).taken(2, "closed")
    with pytest.raises(ReplayHalt):
        recorder.begin(ask("http://a.example/miss"))
    recorder.process_end(0)
    recorder.close(None, 9)
    return path


def list_large():
    """Give exchanges of every odd shape, those with long bodies first."""
    chance = random.Random(4)
    blob, other = chance.randbytes(5_000_000), chance.randbytes(3_000_001)
    image, url = base64.b64encode(other), base64.urlsafe_b64encode(blob)
    cut = [chance.randbytes(chance.choice((0, 1, 7))) for _ in range(10_000)]
    bodies = [blob, blob[1:], image, url, b'{"a":"' + image + b'"}', other + blob, b"x" * 9_000_000]
    bodies += [chance.randbytes(size) for size in (511, 512, 513)] * 2
    for body in bodies:
        yield build.exchange(build.request(body), build.response(body[:70], body[70:]))
    yield build.exchange(build.request(), build.response(*cut), lane="main/日本")
    yield build.exchange(build.request(url), build.response(), lane="\uffff")
    yield build.exchange(build.request(b"?"), None, kind=None, lane="\U0001f600", took_ms=0)
    yield build.exchange(build.request(), build.response(b"cut"), kind=None, lane="")
    failure = Failure(type="httpx.ReadTimeout", message="é")
    yield build.exchange(build.request(image), None, kind="failed", failure=failure)
    yield build.exchange(build.request(), build.response(b"", b""), kind="closed", internal=True)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Write a journal of many exchanges, with numbers missing among them."""
    path = tmp_path_factory.mktemp("page") / "large.avcr"
    lanes = ("main", "main/task0", "main/é", "?", "main/task10")
    small = (
        build.chat(f"{n % 4000}" * 40, lane=lanes[n % 5], internal=n % 97 == 0) for n in range(9000)
    )
    run = build.run(*list_large(), *small, stdout=random.Random(5).randbytes(3 << 20))
    thinned = (
        msgspec.structs.replace(
            one,
            number=one.number * 3 + one.number // 1000 * 100_000,
            raw_hash=b"" if one.number % 3 else one.raw_hash,
            served_from=one.number if one.number % 7 == 0 else None,
        )
        for one in run.exchanges
    )
    write_journal(path, msgspec.structs.replace(run, exchanges=Kept(thinned)))
    return path


def sealed_copy(path):
    copy = path.with_suffix(".sealed")
    if not copy.exists():
        copy.write_bytes(path.read_bytes())
        seal(copy)
    return copy


def values_of(told):
    """Give a record of AgentVCR in the words of the page: lists, and microseconds."""
    names = told.__struct_fields__
    return [us(getattr(told, name)) if name in TIMES else plain(getattr(told, name)) for name in names]


TIMES = ("at_ns", "began_ns")


def us(at_ns):
    whole, rest = divmod(at_ns, 1000)
    assert not rest
    return whole


def plain(value):
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def told(run):
    """Say what AgentVCR read in the words of the page."""
    return {
        "info": values_of(run.info),
        "end": values_of(run.outcome) if run.outcome else None,
        "processes": [values_of(one) for one in run.processes],
        "outputs": [values_of(one) for one in run.outputs],
        "notes": [values_of(one) for one in run.notes],
        "exchanges": [told_exchange(one) for one in run.exchanges],
    }


def told_exchange(one):
    asked, said, end = one.request, one.response, one.ending
    same = ("number", "process", "lane", "client", "fingerprint", "raw_hash", "internal")
    found = {name: getattr(one, name) for name in (*same, "served_from")}
    found |= {"at_us": us(one.began_ns), "method": asked.method, "url": asked.url}
    found |= {"headers": plain(asked.headers), "body": asked.body}
    found |= {"head": None, "chunks": [], "end": None}
    if said:
        found["head"] = {"at_us": us(said.at_ns), "headers": plain(said.headers)}
        found["head"] |= {n: getattr(said, n) for n in ("status", "reason", "http_version")}
        found["chunks"] = [[us(chunk.at_ns), chunk.data] for chunk in said.chunks]
    if end:
        failure = end.failure or Failure(type=None, message=None)
        found["end"] = {"at_us": us(end.at_ns), "kind": end.kind}
        found["end"] |= {"failure_type": failure.type, "failure_message": failure.message}
    return found


def without_step(exchange):
    return {name: one for name, one in exchange.items() if name != "step"}


def by_page(data):
    """Say what the page's reader read in the same words; ends of processes are not kept."""
    run = read(data)
    for name in ("processes", "outputs", "notes"):
        run[name] = [list(one.values()) for one in run[name]]
    for name in ("info", "end"):
        run[name] = run[name] and list(run[name].values())
    del run["process_ends"]
    return run | {"exchanges": [without_step(one) for one in run["exchanges"]]}
