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
from agentvcr.model.run import Note, Stream
from tests.unit import build
from tests.unit.cassette import page_reader
from tests.unit.cassette.page_reader import Damage, find, find_by_fingerprint, read
from tests.unit.recorded import answer, ask, recorder_of, write_journal

REFERENCE = Path(__file__).parents[3] / "docs/reference"
PAGE = (REFERENCE / "cassette-format.md").read_text(encoding="utf-8")
DICTIONARY = "aa95d0655b7076c7ed78f4adc9968682730b2be9d940b683d5c5a878af2c6557"
PROCESS = {"pid": 10, "ppid": 9, "lane": "main", "argv": ["python", "a.py"], "python": "3.9.1"}
LISTS = ("processes", "outputs", "notes")


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
    fields = msgspec.structs.asdict(told).items()
    return [us(one) if name in ("at_ns", "began_ns") else plain(one) for name, one in fields]


def us(at_ns):
    whole, rest = divmod(at_ns, 1000)
    assert not rest
    return whole


def plain(value):
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def told(run, process_ends):
    """Say what AgentVCR read in the words of the page; of the ends of processes it has none."""
    return {
        "process_ends": process_ends,
        "info": values_of(run.info),
        "end": values_of(run.outcome) if run.outcome else None,
        **{name: list(map(values_of, getattr(run, name))) for name in LISTS},
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
    """Say what the page's reader read in the same words."""
    run = read(data)
    for name in LISTS:
        run[name] = [list(one.values()) for one in run[name]]
    for name in ("info", "end"):
        run[name] = run[name] and list(run[name].values())
    return run | {"exchanges": [without_step(one) for one in run["exchanges"]]}


@pytest.fixture(params=["recorded", "large"])
def journal(request):
    return request.getfixturevalue(request.param)


def test_a_reader_of_the_page_alone_reads_the_same_run_in_both_states(journal):
    found = by_page(journal.read_bytes())
    assert found == by_page(sealed_copy(journal).read_bytes())
    assert found == told(load_run(journal), found["process_ends"])
    assert found == told(load_run(sealed_copy(journal)), found["process_ends"])


def test_both_find_the_same_exchanges_by_the_same_keys(journal):
    path = sealed_copy(journal)
    data, run = path.read_bytes(), load_run(path).exchanges
    names = ("number", "lane", "fingerprint", "raw_hash", "internal", "step")
    mine = [tuple(one[name] for name in names) for one in read(data)["exchanges"]]
    assert mine == [msgspec.structs.astuple(key) for key in run.list_keys()]
    assert page_reader.Sealed(data).directory["last_began_us"] == us(run.last_began_ns)


def test_what_was_recorded_has_every_type_of_record(recorded):
    frames = page_reader.journal_frames(recorded.read_bytes())
    kinds = {kind for kind, _ in chain.from_iterable(map(page_reader.records, frames))}
    assert kinds == set(fmt.TYPES)
    run = load_run(recorded)
    assert len(run.exchanges) == 7
    assert {one.kind for one in run.notes} == {"live", "lost", "divergence"}
    assert [one.served_from for one in run.exchanges][-2:] == [7, None]


def test_the_large_file_has_several_groups_of_each_kind(large):
    directory = page_reader.Sealed(sealed_copy(large).read_bytes()).directory
    assert min(len(directory[name]) for name in ("story", "blobs", "rows", "keys")) > 1
    assert [block[4] for block in directory["keys"]] == [8192, 9000 + 19 - 8192]
    assert all(0 not in block for block in directory["keys"])


class Counted:
    """Bytes that count what is taken of them."""

    def __init__(self, data):
        self.data = data
        self.touched = 0

    def __len__(self):
        return len(self.data)

    def __getitem__(self, place):
        part = self.data[place]
        self.touched += len(part)
        return part


def test_one_exchange_is_found_without_the_rest(large):
    data = Counted(sealed_copy(large).read_bytes())
    run = load_run(sealed_copy(large)).exchanges
    keys = run.list_keys()
    for index in (0, 8, 14, 15, 16, 17, 18, 19, 4321, 8191, 8192, 9018):
        number, data.touched = keys[index].number, 0
        assert without_step(find(data, number)) == told_exchange(run.numbered(number))
        assert find(data, number + 1) is None
        assert data.touched < len(data) // (2 if index < 19 else 20), index
    assert find(data, 0) is None


def test_equal_requests_are_found_by_their_fingerprint(large):
    data = Counted(sealed_copy(large).read_bytes())
    run = load_run(sealed_copy(large)).exchanges
    wanted = run[5000].fingerprint
    expected = [told_exchange(one) for one in run if one.fingerprint == wanted]
    data.touched = 0
    assert [without_step(one) for one in find_by_fingerprint(data, wanted)] == expected
    assert len(expected) > 1
    assert data.touched < len(data) // 20
    assert find_by_fingerprint(data, bytes(8)) == []


def test_both_cut_the_same_tails(recorded, tmp_path):
    data, path = recorded.read_bytes(), tmp_path / "a.avcr"
    first = 12 + 12 + int.from_bytes(data[12:16], "little")
    sizes = [*range(first, len(data), len(data) // 40), *range(len(data) - 40, len(data))]
    for end in sizes:
        for tail in (b"", bytes(20)):
            path.write_bytes(data[:end] + tail)
            try:
                expected = load_run(path)
            except CassetteDamagedError:  # zeros inside a frame that was torn
                with pytest.raises(Damage):
                    read(path.read_bytes())
                continue
            found = by_page(path.read_bytes())
            assert found == told(expected, found["process_ends"]), end


def test_a_sealed_file_that_is_cut_is_damage_for_both(journal, tmp_path):
    data, path = sealed_copy(journal).read_bytes(), tmp_path / "a.avcr"
    path.write_bytes(data)
    sizes = {*range(12, len(data), len(data) // 50), *range(len(data) - 40, len(data))}
    for size in sorted(sizes, reverse=True):
        for zeros in (0, 16):
            os.truncate(path, size)
            os.truncate(path, size + zeros)
            with pytest.raises(Damage):
                read(data[:size] + bytes(zeros))
            with pytest.raises(CassetteDamagedError):
                load_run(path)


def list_sections():
    """Split the page at its numbered records: number, name and text of each."""
    parts = re.split(r"^### (\d+) (\w+)$", PAGE, flags=re.MULTILINE)[1:]
    return zip(map(int, parts[::3]), parts[1::3], parts[2::3], strict=True)


def cell_of(section, name):
    """Give what the last cell of a field's row says."""
    text = next(text for number, _, text in list_sections() if number == section)
    return next(row for row in text.splitlines() if row.startswith(f"| `{name}` |")).split("|")[-2]


def fields_of(struct):
    return list(struct.__struct_fields__)


def test_the_page_has_every_record_and_every_field_in_its_order():
    found = {}
    for number, name, text in list_sections():
        table = re.search(r"\| field \|.*?\n\n", text, re.DOTALL).group()
        found[number, name] = re.findall(r"^\| `(\w+)` \| \w", table, re.MULTILINE)
    known = fmt.TYPES | fmt.SEALED_TYPES
    assert found == {(number, one.__name__): fields_of(one) for number, one in known.items()}


def test_the_page_has_every_field_of_a_row_in_its_order():
    row = next(text for number, _, text in list_sections() if number == 65).split("A row is")[1]
    first_cells = [line.split("|")[1] for line in row.splitlines() if line.startswith("| `")]
    assert re.findall(r"`(\w+)`", "".join(first_cells)) == fields_of(fmt.Row)
    assert re.findall(r"`(\w+)`", cell_of(65, "answer")) == fields_of(fmt.Answer)
    assert re.findall(r"`(\w+)`", cell_of(65, "closing")) == fields_of(fmt.Closing)


OFFSETS = "keys_offset fingerprints_offset raw_hashes_offset"


@pytest.mark.parametrize(
    ("name", "struct", "fields", "words"),
    [
        ("blobs", fmt.BlobGroup, "offset first count", "offset.*`first`.*number of"),
        ("rows", fmt.RowGroup, "offset lane number count", "offset.*lane and number of.*number of"),
        ("keys", fmt.KeyBlock, f"{OFFSETS} first count", "s of.*Keys, Fing.*Raw.*first num.*many"),
    ],
)
def test_the_page_says_every_field_of_a_directory_in_its_order(name, struct, fields, words):
    assert fields_of(struct) == fields.split()
    assert re.search(words, cell_of(69, name))


def test_the_page_has_every_bound_and_every_word():
    flat = PAGE.replace(",", "")
    bounds = (
        f"{fmt.MAX_FRAME} (8 MiB)",
        f"`windowLog` {fmt.WINDOW_LOG}",
        f"from {fmt.EXTENSION} on",
        f"version of the format: {fmt.VERSION}",
        f"`raw_length` is less than {fmt.LONG_FRAME}",
        f"`code mod {fmt.WAYS}`",
        f"the first {fmt.HASH} bytes of SHA-256",
        f"An offset of {fmt.HERE} means",
        f"The last {fmt.TRAILER.size} bytes",
        f"`{fmt.JOURNAL[:-1].hex(' ')}` (`AVCRJ` …)",
        f"`{fmt.SEALED[:-1].hex(' ')}` (`AVCRP` …)",
        f"`{fmt.END.hex(' ')}` (`AVCE`)",
        *(f"| {way.value} | the piece " for way in fmt.Way),
    )
    assert [bound for bound in bounds if bound not in flat] == []
    assert fmt.PIECE == 1 << 20
    words = {
        *get_args(EndKind),
        *get_args(Stream),
        *re.findall(r"`(\w+)`", Note.__doc__)[1:],
        *("llm", "tool"),
        *credentials.CREDENTIAL_FIELDS,
        *credentials.CREDENTIAL_PARAMETERS,
        *(name.decode() for name in credentials.CREDENTIAL_HEADERS),
    }
    assert {word for word in words if f"`{word}`" not in PAGE} == set()


def test_the_dictionary_never_changes_and_lies_beside_the_page():
    words = dictionary_bytes()
    assert hashlib.sha256(words).hexdigest() == DICTIONARY
    assert (REFERENCE / "cassette-dictionary.bin").read_bytes() == words
    assert f"`{DICTIONARY}`" in PAGE
    assert f"Its {len(words):,} bytes" in PAGE
