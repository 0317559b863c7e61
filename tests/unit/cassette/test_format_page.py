"""The page of the format is true: a reader written from it alone reads what AgentVCR reads."""

import base64
import os
import random
from itertools import chain

import msgspec
import pytest

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.errors import CassetteDamagedError
from agentvcr.inside.exchange import ReplayHalt, Serve, StepBegan, StepEnded
from agentvcr.model.exchange import Failure, Kept
from tests.golden.make_golden import HERE, NAMES, STEPS_NAMES
from tests.unit import build
from tests.unit.cassette import page_reader
from tests.unit.cassette.crafting import journal as journal_of
from tests.unit.cassette.page_reader import Damage, find, find_by_fingerprint, read
from tests.unit.cassette.stepped import records_of, step, stepped, write_journal
from tests.unit.recorded import answer, ask, recorder_of

PROCESS = {"pid": 10, "ppid": 9, "lane": "main", "argv": ["python", "a.py"], "python": "3.9.1"}
LISTS = ("processes", "outputs", "notes", "world")


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
    recorder.step_began(StepBegan("plan", "plan", "agent", "planner", "main", b'{"a":1}', 0))
    placed = ask()
    placed.place = "plan/task0"
    answer(recorder.begin(placed).sink, [b"in a step"])
    recorder.step_ended(StepEnded("plan", b'"gave"', ("crew.Refused", "é"), 0))
    recorder.step_began(StepBegan("open", "open", "run", "", "main/open", b"", 0, 1))
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
    recorder.world("order", 0, "main/é", b"\x00\xff")
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
    run = stepped(run)
    thinned = (
        msgspec.structs.replace(
            one,
            number=one.number * 3 + one.number // 1000 * 100_000,
            raw_hash=b"" if one.number % 3 else one.raw_hash,
            served_from=one.number if one.number % 7 == 0 else None,
            place=one.place if one.number < 8000 else "",
        )
        for one in run.exchanges
    )
    steps = (*run.steps, *(step(f"s{n:04}", output=b"1" * 300) for n in range(5000)))
    write_journal(path, msgspec.structs.replace(run, exchanges=Kept(thinned), steps=steps))
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
        "steps": list(map(told_step, run.steps)),
        "exchanges": [told_exchange(one) for one in run.exchanges],
    }


def told_step(one):
    same = ("path", "name", "kind", "agent", "process", "lane", "after")
    found = {name: getattr(one, name) for name in same} | {"end": None}
    found |= {"at_us": us(one.began_ns), "content": one.input}
    if one.ended_ns is not None:
        failure = one.failure or Failure(type=None, message=None)
        found["end"] = {"path": one.path, "at_us": us(one.ended_ns), "content": one.output}
        found["end"] |= {"failure_type": failure.type, "failure_message": failure.message}
    return found


def told_exchange(one):
    asked, said, end = one.request, one.response, one.ending
    same = ("number", "process", "lane", "client", "fingerprint", "raw_hash", "internal", "place")
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


@pytest.mark.parametrize("name", [*NAMES, *STEPS_NAMES])
def test_it_reads_the_golden_files_the_same(name):
    run, found = load_run(HERE / name), by_page((HERE / name).read_bytes())
    assert found == told(run, found["process_ends"])
    assert bool(found["steps"]) == (name in STEPS_NAMES)


def without_last(encoded):
    return msgspec.msgpack.encode(msgspec.msgpack.decode(encoded)[:-1])


def test_both_take_the_default_of_a_field_that_an_older_file_has_not(tmp_path):
    run = stepped(build.run(build.exchange(build.request(), None, kind=None)))
    begin = next(one for one in records_of(run) if isinstance(one, fmt.ExchangeBegin))
    assert begin.place == "plan"
    old = without_last(msgspec.msgpack.encode(begin))
    path = tmp_path / "a.avcr"
    path.write_bytes(journal_of((5, old)))
    assert read(path.read_bytes())["exchanges"][0]["place"] == ""
    assert load_run(path).exchanges[0].place == ""
    path.write_bytes(journal_of((5, without_last(old))))
    with pytest.raises(Damage):
        read(path.read_bytes())
    with pytest.raises(CassetteDamagedError):
        load_run(path)


def test_of_two_beginnings_or_ends_of_one_step_the_first_counts_for_both(tmp_path):
    begin = fmt.StepBegin("a", "first", "run", None, 0, "main", 5, 0, b"1")
    again = msgspec.structs.replace(begin, name="second", at_us=1)
    ends = [fmt.StepEnd(path, at, b"", None, None) for path, at in (("b", 1), ("a", 2), ("a", 3))]
    early = fmt.StepBegin("z", "z", "run", None, 0, "main", 5, 0, b"")
    path = tmp_path / "a.avcr"
    path.write_bytes(journal_of(*ends, early, begin, again))
    found = by_page(path.read_bytes())
    assert found["steps"] == told(load_run(path), [])["steps"]
    assert [(one["name"], one["end"] and one["end"]["at_us"]) for one in found["steps"]] == [
        ("first", 2),
        ("z", None),
    ]


def test_pieces_of_output_are_in_the_order_of_their_times_for_both(tmp_path):
    said = [(7, b"c"), (5, b"a"), (7, b"d"), (6, b"b")]
    path = tmp_path / "a.avcr"
    path.write_bytes(journal_of(*(fmt.OutputPiece(0, "stdout", *piece) for piece in said)))
    found = by_page(path.read_bytes())
    assert found["outputs"] == told(load_run(path), [])["outputs"]
    assert b"".join(data for *_, data in found["outputs"]) == b"abcd"


def test_both_find_the_same_exchanges_by_the_same_keys(journal):
    path = sealed_copy(journal)
    data, run = path.read_bytes(), load_run(path).exchanges
    names = ("number", "lane", "fingerprint", "raw_hash", "internal", "step", "place")
    mine = [tuple(one[name] for name in names) for one in read(data)["exchanges"]]
    assert mine == [msgspec.structs.astuple(key) for key in run.list_keys()]
    assert page_reader.Sealed(data).directory["last_began_us"] == us(run.last_began_ns)


def test_what_was_recorded_has_every_type_of_record(recorded):
    frames = page_reader.journal_frames(recorded.read_bytes())
    kinds = {kind for kind, _ in chain.from_iterable(map(page_reader.records, frames))}
    assert kinds == set(fmt.TYPES)
    run = load_run(recorded)
    assert len(run.exchanges) == 8
    assert [(one.path, one.ended_ns is None) for one in run.steps] == [
        ("plan", False),
        ("open", True),
    ]
    assert {one.kind for one in run.notes} == {"live", "lost", "divergence"}
    assert [one.served_from for one in run.exchanges][-2:] == [7, None]


def test_the_large_file_has_several_groups_of_each_kind(large):
    directory = page_reader.Sealed(sealed_copy(large).read_bytes()).directory
    assert min(len(directory[name]) for name in ("story", "blobs", "rows", "keys")) > 1
    assert [block[4] for block in directory["keys"]] == [8192, 9000 + 19 - 8192]
    assert all(0 not in block for block in directory["keys"])
    sealed = page_reader.Sealed(sealed_copy(large).read_bytes())
    assert [len(sealed.one(block[0], 66)["places"]) for block in directory["keys"]] == [4, 0]


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
