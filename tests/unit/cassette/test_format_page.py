"""The page of the format is true: a reader written from it alone reads what AgentVCR reads."""

import os
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.reader import load_run
from agentvcr.errors import CassetteDamagedError
from agentvcr.inside.exchange import ReplayHalt, Serve
from agentvcr.model import credentials
from agentvcr.model.exchange import EndKind
from agentvcr.model.run import Note
from tests.unit.cassette.page_reader import Damage, read, records
from tests.unit.recorded import answer, ask, recorder_of

PAGE = (Path(__file__).parents[3] / "docs/reference/cassette-format.md").read_text(encoding="utf-8")
PROCESS = {"pid": 10, "ppid": 9, "lane": "main", "argv": ["python", "a.py"], "python": "3.9.1"}


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


def plain(value):
    """Turn structs and tuples into the lists that msgpack has."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.structs.astuple(value)
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def told(run):
    """Say what AgentVCR read in the words of the page."""
    return {
        "info": plain(run.info),
        "end": plain(run.outcome) if run.outcome else None,
        "processes": [plain(one) for one in run.processes],
        "outputs": [plain(one) for one in run.outputs],
        "notes": [plain(one) for one in run.notes],
        "exchanges": [told_exchange(one) for one in run.exchanges],
    }


def told_exchange(one):
    asked, said, end = one.request, one.response, one.ending
    begin = (one.number, one.process, one.lane, one.client, one.began_ns)
    begin += (asked.method, asked.url, asked.headers)
    begin += (one.fingerprint, one.raw_hash, one.canonical_hash, one.internal, one.served_from)
    head = (said.at_ns, said.status, said.reason, said.http_version, said.headers) if said else ()
    failure = end and end.failure
    named = (failure.type, failure.message) if failure else (None, None)
    return {
        "begin": plain((*begin, len(asked.body))),
        "body": asked.body,
        "head": plain((one.number, *head)) if said else None,
        "chunks": [plain(chunk) for chunk in said.chunks] if said else [],
        "end": plain((one.number, end.at_ns, end.kind, *named)) if end else None,
    }


def by_page(data):
    run = read(data)
    for one in run["exchanges"]:
        del one["open"]
        if one["head"] is None:
            one["chunks"] = []
    return run


def test_a_reader_of_the_page_alone_reads_the_same_run(recorded):
    data = recorded.read_bytes()
    assert {kind for kind, _ in records(data)} == set(fmt.TYPES)
    run = load_run(recorded)
    assert by_page(data) == told(run)
    assert len(run.exchanges) == 7
    assert {one.kind for one in run.notes} == {"live", "lost", "divergence"}
    assert [one.served_from for one in run.exchanges][-2:] == [7, None]


def test_both_cut_the_same_tails(recorded, tmp_path):
    data, path = recorded.read_bytes(), tmp_path / "a.avcr"
    first = 12 + 12 + int.from_bytes(data[12:16], "little")
    sizes = [*range(first, len(data), len(data) // 40), *range(len(data) - 40, len(data))]
    for end in sizes:
        for tail in (b"", bytes(20)):
            path.write_bytes(data[:end] + tail)
            try:
                expected = told(load_run(path))
            except CassetteDamagedError:  # zeros inside a frame that was torn
                with pytest.raises(Damage):
                    read(path.read_bytes())
                continue
            assert by_page(path.read_bytes()) == expected, end


def test_the_page_has_every_record_and_every_field_in_its_order():
    sections = re.split(r"^### (\d+) (\w+)$", PAGE, flags=re.MULTILINE)[1:]
    found = {}
    for number, name, text in zip(sections[::3], sections[1::3], sections[2::3], strict=True):
        table = text.split("| kind")[0]
        found[int(number), name] = re.findall(r"^\| `(\w+)` \| \w", table, re.MULTILINE)
    expected = {
        (number, struct.__name__): list(struct.__struct_fields__)
        for number, struct in fmt.TYPES.items()
    }
    assert found == expected


def test_the_page_has_every_bound_and_every_word():
    flat = PAGE.replace(",", "")
    assert f"{fmt.MAX_FRAME} (8 MiB)" in flat
    assert f"`windowLog` {fmt.WINDOW_LOG}" in flat
    assert f"from {fmt.EXTENSION} on" in flat
    assert f"version of the format: {fmt.VERSION}" in flat
    assert fmt.MAGIC[:-1].hex(" ") in flat
    assert fmt.PIECE == 1 << 20
    words = {
        *get_args(EndKind),
        *re.findall(r"`(\w+)`", Note.__doc__)[1:],
        *credentials.CREDENTIAL_FIELDS,
        *credentials.CREDENTIAL_PARAMETERS,
        *(name.decode() for name in credentials.CREDENTIAL_HEADERS),
    }
    assert {word for word in words if f"`{word}`" not in PAGE} == set()
