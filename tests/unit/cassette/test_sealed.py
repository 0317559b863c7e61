"""Sealing: the same run in fewer bytes, once, and nothing lost by whoever does it when."""

import contextlib
import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from agentvcr.cassette import format as fmt
from agentvcr.cassette import pack
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.opening import open_cassette
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import BESIDE, seal
from agentvcr.cassette.sealed import SealedFile
from agentvcr.errors import (
    AgentVCRError,
    CassetteBusyError,
    CassetteDamagedError,
    CassetteVersionError,
    TargetUnwritableError,
)
from agentvcr.model.exchange import Chunk, Failure, Kept
from agentvcr.session.sealing import kind_of_step
from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer
from tests.unit.build import EVENTS, chat, exchange, request, response, run, tool
from tests.unit.cassette.crafting import BEGIN, Sealed, journal
from tests.unit.cassette.damaged import identified, sample, told_by
from tests.unit.recorded import answer, ask, recorder_of, write_journal


def state_of(path):
    file, state = open_cassette(path)
    file.close()
    return state


def sealed_and_not(path, *exchanges, **details):
    """Write a run, and read it before and after it is sealed."""
    write_journal(path, run(*map(identified, exchanges), **details))
    before = told_by(path)
    seal(path)
    assert state_of(path) == "sealed"
    return before, told_by(path)


ENDS = ["eof", "closed", "abandoned", "cancelled", "failed", "cut", None]
GONE = Failure(type="httpx.ReadError", message="fort, ganz fort: 消")


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("has_answer", [True, False])
def test_an_exchange_is_the_same_however_it_ended(tmp_path, kind, has_answer):
    answered = response("a", "", "b", status=503, headers=((b"A", b"\xff"), (b"a", b"")))
    failure = GONE if kind == "failed" else None
    one = exchange(request("q"), answered if has_answer else None, kind=kind, failure=failure)
    before, after = sealed_and_not(tmp_path / "a.avcr", one, chat("another"))
    assert before == after
    assert len(after.exchanges) == 2


def test_the_story_is_the_same(tmp_path):
    recorder = recorder_of(tmp_path / "a.avcr")
    for record in (
        fmt.ProcessBegin(0, 10, 9, "main", ("python", "-X", "é"), "3.11.0", 2),
        fmt.OutputPiece(0, "stdin", 3, b""),
        fmt.OutputPiece(0, "stdout", 3, b"\xff said"),
        fmt.NoteRecord("live", 12, 0, "nöte", 3),
        fmt.ProcessEnd(0, 13),
    ):
        recorder.add(record)
    recorder.close(None, 9)
    before = told_by(tmp_path / "a.avcr")
    seal(tmp_path / "a.avcr")
    after = load_run(tmp_path / "a.avcr")
    assert told_by(tmp_path / "a.avcr") == before
    assert (after.processes[0].argv[2], after.notes[0].count) == ("é", 3)
    assert after.outcome.signal == 9


@pytest.mark.parametrize("exchanges", [[], [chat("q", lane="main/ä😀/消"), chat("r", lane="?")]])
@pytest.mark.parametrize("ended", [True, False])
def test_a_run_of_nothing_or_of_odd_lanes_is_the_same(tmp_path, exchanges, ended):
    before, after = sealed_and_not(tmp_path / "a.avcr", *exchanges, ended=ended, stdout=b"x")
    assert before == after
    assert [one.lane for one in after.exchanges] == [one.lane for one in exchanges]


def test_numbers_that_are_missing_stay_missing(tmp_path):
    path = tmp_path / "a.avcr"
    made = run(*[chat(f"q{number}") for number in range(6)])
    kept = [one for one in made.exchanges if one.number not in (1, 3, 4)]
    kept.append(msgspec.structs.replace(kept[0], number=1 << 40, served_from=2, internal=True))
    write_journal(path, msgspec.structs.replace(made, exchanges=Kept(kept)))
    before = told_by(path)
    seal(path)
    found = load_run(path).exchanges
    assert told_by(path) == before
    assert [one.number for one in found.list_keys()] == [2, 5, 6, 1 << 40]
    assert (found[3].served_from, found[3].internal) == (2, True)
    for missing in (0, 1, 3, 4, 7, (1 << 40) + 1):
        with pytest.raises(KeyError):
            found.numbered(missing)
    assert found.matching(found[3].fingerprint) == [2, 1 << 40]
    with pytest.raises(IndexError):
        found[4]


@pytest.mark.parametrize("count", [10_000, 100_000])
@pytest.mark.parametrize("data", [b"", b"xy"])
def test_an_answer_of_many_chunks_is_the_same(tmp_path, count, data):
    one = exchange(request("q"), response(b""))
    chunks = tuple(Chunk(at_ns=1000 + number * 9000, data=data) for number in range(count))
    answered = msgspec.structs.replace(one.response, at_ns=1000, chunks=chunks)
    path = tmp_path / "a.avcr"
    made = run(msgspec.structs.replace(one, began_ns=1000, response=answered))
    write_journal(path, made)
    seal(path)
    assert load_run(path).exchanges[0].response.chunks == chunks


def large(size, *, alphabet="abcdefgh "):
    return "".join(random.Random(size).choices(alphabet, k=size)).encode()


def test_a_stream_longer_than_a_frame_can_be_read_when_it_is_sealed(tmp_path):
    body = b"data: " + large(fmt.MAX_FRAME + 100_000) + b"\n\n"
    chunks = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    before, after = sealed_and_not(
        tmp_path / "a.avcr", exchange(request("q"), response(*chunks, headers=EVENTS))
    )
    assert before == after


def test_lanes_longer_than_a_frame_together_are_not_lost(tmp_path):
    lanes = ["main" + "/task0" * depth for depth in range(0, 2000, 2)]
    lanes += [f"main/{number}" + "x" * 9000 for number in range(1000)]
    path = tmp_path / "a.avcr"
    write_journal(path, run(*[chat("q", lane=one) for one in lanes]))
    before = told_by(path)
    with contextlib.suppress(AgentVCRError):  # it may stay a journal
        seal(path)
    assert told_by(path) == before


def test_a_run_that_no_sealed_file_can_hold_stays_a_journal(tmp_path):
    headers = tuple((b"h%d" % number, bytes(1000)) for number in range(3500))
    asked, answered = request("q", headers=headers), response(b"", headers=headers)
    failure = Failure(type="x", message="m" * 3_000_000)
    path = tmp_path / "a.avcr"
    write_journal(path, run(exchange(asked, answered, kind="failed", failure=failure)))
    before = path.read_bytes()
    with pytest.raises(TargetUnwritableError, match="cannot be packed"):
        seal(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


PACK = """
import pathlib, sys
from agentvcr.cassette.seal import seal
from agentvcr.session.sealing import kind_of_step
seal(pathlib.Path(sys.argv[1]), kind_of=kind_of_step)
"""


def test_packing_one_journal_anywhere_gives_the_same_bytes(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, sample(8))
    data, found = path.read_bytes(), set()
    for seed in ("0", "1", "4711"):
        path.write_bytes(data)
        env = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", PACK, str(path)], env=env, check=True)
        found.add(path.read_bytes())
    path.write_bytes(data)
    seal(path, kind_of=kind_of_step)
    assert {one.kind for one in load_run(path).exchanges.list_keys()} == {"llm", "tool"}
    assert found == {path.read_bytes()}


def test_a_sealed_file_is_left_alone(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, sample(1))
    seal(path)
    before, status = path.read_bytes(), path.stat()
    seal(path)
    assert path.read_bytes() == before
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (status.st_ino, status.st_mtime_ns)


def test_mode_and_links_are_kept(tmp_path):
    path, link = tmp_path / "there" / "a.avcr", tmp_path / "link.avcr"
    path.parent.mkdir()
    write_journal(path, sample(1))
    path.chmod(0o640)
    link.symlink_to(path)
    (path.parent / f"a.avcr{BESIDE}").write_bytes(b"what a crash left")
    seal(link)
    assert link.is_symlink()
    assert state_of(path) == "sealed"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_a_cassette_that_is_being_recorded_is_not_sealed(tmp_path):
    path = tmp_path / "a.avcr"
    recorder = recorder_of(path)
    answer(recorder.begin(ask(body=b"one")).sink, [b"first"])
    recorder.flush()
    with pytest.raises(CassetteBusyError):
        seal(path)
    with pytest.raises(CassetteBusyError):
        Journal(path, force=True)
    answer(recorder.begin(ask(body=b"two")).sink, [b"second"])
    recorder.close(0, None)
    assert [one.response.body for one in load_run(path).exchanges] == [b"first", b"second"]
    seal(path)
    assert len(load_run(path).exchanges) == 2


def test_a_cassette_that_is_being_sealed_is_neither_sealed_nor_recorded(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, sample(2))
    refused = []

    def meanwhile(_done, _total):
        for also in (seal, lambda path: Journal(path, force=True)):
            try:
                also(path)
            except CassetteBusyError:
                refused.append(also)

    before = told_by(path)
    seal(path, progress=meanwhile)
    assert len(refused) > 2
    assert told_by(path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_that_seal_at_once_both_leave_it_sealed(tmp_path, rounds):
    path = tmp_path / "a.avcr"
    for _ in range(rounds):
        write_journal(path, sample(3))
        before, barrier = told_by(path), threading.Barrier(4)

        def race(barrier=barrier):
            barrier.wait()
            with_busy(path)

        threads = [threading.Thread(target=race) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert (state_of(path), told_by(path)) == ("sealed", before)
        path.unlink()


def with_busy(path):
    """Seal, or hear that somebody else does."""
    try:
        seal(path)
    except CassetteBusyError:
        return


def test_two_recordings_into_one_file_are_one(tmp_path):
    path = tmp_path / "a.avcr"
    recorder = recorder_of(path)
    words = ["record", "--force", "-o", "a.avcr", "--", sys.executable, "-c", "print(1)"]
    second = agentvcr(*words, cwd=tmp_path)
    assert second.returncode == 2
    assert b"[cassette-busy]" in second.stderr
    assert second.stdout == b""
    answer(recorder.begin(ask(body=b"one")).sink, [b"first"])
    recorder.close(0, None)
    assert len(load_run(path).exchanges) == 1


def test_two_replays_of_one_cassette_at_once_both_succeed(tmp_path):
    program = python("fanout.py", "threads", "--agents", 8)
    with CounterServer(jitter_ms=(1, 2)) as server:
        env = {"BASE_URL": server.base_url}
        agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path, env=env)
    command = [sys.executable, "-m", "agentvcr", "replay", "x.avcr"]
    env = {**os.environ, "BASE_URL": "http://127.0.0.1:9"}
    both = [
        subprocess.Popen(
            command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for one in both:
        _, err = one.communicate()
        assert one.returncode == 0, err


# --- reading --------------------------------------------------------------------------------------


@pytest.fixture
def crowd(tmp_path, monkeypatch):
    """A sealed file of many groups."""
    monkeypatch.setattr(pack, "GROUP", 20_000)
    monkeypatch.setattr(pack, "BLOCK", 100)
    path = tmp_path / "crowd.avcr"
    said = random.Random(1)
    lanes = [f"main/task{number % 40}" for number in range(2000)]
    exchanges = [
        tool(f"/{number}", said.randbytes(700), lane=lane) for number, lane in enumerate(lanes)
    ]
    before, after = sealed_and_not(path, *exchanges)
    assert before == after
    return path


def test_one_exchange_is_read_without_the_rest(crowd, monkeypatch):
    read = []
    pread = os.pread

    def counted(descriptor, size, offset):
        read.append(size)
        return pread(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    found = load_run(crowd).exchanges
    assert found.numbered(1234).request.url.endswith("/1233")
    assert sum(read) < crowd.stat().st_size / 8
    del read[:]
    found.numbered(1234)
    assert read == []


def test_memory_is_flat_however_many_are_read(crowd):
    with SealedFile(crowd) as found:
        for one in found:
            assert one.response.body
        assert len(found._groups) <= 24


def test_whoever_holds_an_exchange_list_reads_on_when_the_file_is_replaced(crowd):
    found = load_run(crowd).exchanges
    crowd.unlink()
    write_journal(crowd, run(chat("another")))
    assert len(list(found)) == 2000


# --- what is not known ----------------------------------------------------------------------------


def test_another_version_or_an_unknown_record_is_refused_by_name(tmp_path):
    path = tmp_path / "a.avcr"
    unknown = Sealed()
    unknown.story.append(unknown.put((fmt.EXTENSION - 1, b"?")))
    skipped = Sealed()
    skipped.story.append(skipped.put((fmt.EXTENSION, b"?"), (255, b"")))
    for data, words in (
        (fmt.SEALED[:-1] + b"\x02", "version 2"),
        (fmt.JOURNAL[:-1] + b"\x63", "version 99"),
        (unknown.finish(), "type 127"),
        (Sealed().finish(here=[(100, b"")]), "type 100"),
        (journal((100, b"")), "type 100"),
    ):
        path.write_bytes(data)
        with pytest.raises(CassetteVersionError, match=words):
            load_run(path)
    path.write_bytes(skipped.finish())
    assert load_run(path).info.run_id == BEGIN.run_id


def test_a_file_that_says_sealed_and_is_a_journal_is_damaged(tmp_path):
    path = tmp_path / "a.avcr"
    data = journal()
    path.write_bytes(fmt.SEALED + data[len(fmt.JOURNAL) :])
    with pytest.raises(CassetteDamagedError):
        load_run(path)
    path.write_bytes(data)
    with pytest.raises(CassetteDamagedError, match="no sealed file"):
        SealedFile(Path(path))
