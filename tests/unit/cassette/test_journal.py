"""The journal on disk: what goes in comes out, and a broken file is a prefix or a clear error."""

import os
import random
import subprocess
import sys
import zlib
from pathlib import Path

import msgspec
import pytest
import zstandard

from agentvcr.cassette import format as fmt
from agentvcr.cassette.frames import RecordTooLargeError
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import load_run
from agentvcr.errors import (
    CassetteDamagedError,
    CassetteEmptyError,
    CassetteForeignError,
    CassetteVersionError,
    TargetExistsError,
    TargetUnwritableError,
)

BEGIN = fmt.RunBegin("run", 1, ("a",), ".", "0", "p", "1", {"LANG": "C"})
HEADERS = ((b"A", b"1"), (b"a", b"2"), (b"A", b"\xff"))
EXCHANGE = fmt.ExchangeBegin(
    1,
    0,
    "main",
    "httpx",
    5,
    "POST",
    "http://h/",
    HEADERS,
    b"fingerpr",
    b"raw-hash",
    internal=False,
    served_from=None,
    body_size=9,
)
RECORDS = (
    fmt.ProcessBegin(0, 10, 9, "main", ("python",), "3.11.0", 2),
    EXCHANGE,
    fmt.Body(1, b"ask "),
    fmt.Body(1, b"whole"),
    fmt.Head(1, 6, 200, b"OK", b"HTTP/1.1", HEADERS),
    fmt.Chunks(1, (1, 1, 1), (3, 0, 4), b"onetwo ", more=True),
    fmt.Chunks(1, (0,), (6,), b"halves", more=False),
    fmt.ExchangeEnd(1, 10, "failed", "httpx.ReadError", "gone"),
    fmt.OutputPiece(0, "stdout", 11, b"said"),
    fmt.NoteRecord("live", 12, 0, "note", 3),
    fmt.ProcessEnd(0, 13),
    fmt.RunEnd(14, None, 9),
)
READ_ERRORS = (
    CassetteDamagedError,
    CassetteEmptyError,
    CassetteForeignError,
    CassetteVersionError,
)


def write(path, records=RECORDS, *, each=True):
    """Write a journal, one frame a record or all in one."""
    journal = Journal(path)
    for record in (BEGIN, *records):
        journal.add(record)
        if each:
            journal.flush()
    journal.close()
    return path.read_bytes()


def note(text):
    return fmt.NoteRecord("live", 0, 0, text, 1)


def frame_ends(data):
    ends = [len(fmt.JOURNAL)]
    while ends[-1] < len(data):
        length = fmt.FRAME.unpack_from(data, ends[-1])[0]
        ends.append(ends[-1] + fmt.FRAME.size + length)
    return ends


def crafted(*records, raw_length=None):
    """Make a file of (type, msgpack) pairs, as somebody who means harm would."""
    begin = (1, msgspec.msgpack.encode(BEGIN))
    raw = b"".join(fmt.RECORD.pack(kind, len(data)) + data for kind, data in (begin, *records))
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=fmt.WINDOW_LOG)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    payload = stream.compress(raw) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    length = len(raw) if raw_length is None else raw_length
    return fmt.JOURNAL + fmt.FRAME.pack(len(payload), length, zlib.crc32(payload)) + payload


def prefix_of(run, whole):
    """Whether a run tells nothing that the whole one does not."""
    for got, want in zip(run.exchanges, whole.exchanges, strict=False):
        assert got.request.url == want.request.url
        assert want.request.body.startswith(got.request.body)
        if got.response:
            assert got.response.chunks == want.response.chunks[: len(got.response.chunks)]
        assert got.ending in (None, want.ending)
    assert run.outputs == whole.outputs[: len(run.outputs)]
    assert run.notes == whole.notes[: len(run.notes)]
    return run.outcome in (None, whole.outcome)


@pytest.mark.parametrize("each", [True, False])
def test_every_record_comes_back_as_it_went_in(tmp_path, each):
    path = tmp_path / "a.avcr"
    write(path, each=each)
    run = load_run(path)
    (exchange,) = run.exchanges
    assert (exchange.request.body, exchange.request.headers) == (b"ask whole", HEADERS)
    assert [chunk.data for chunk in exchange.response.chunks] == [b"one", b"", b"two halves"]
    assert [chunk.at_ns for chunk in exchange.response.chunks] == [7000, 8000, 9000]
    assert exchange.response.headers == HEADERS
    assert exchange.ending.failure.type == "httpx.ReadError"
    assert (run.outcome.exit_status, run.outcome.signal) == (None, 9)
    assert (run.processes[0].pid, run.notes[0].count) == (10, 3)
    assert run.output("stdout") == b"said"
    assert run.torn_bytes == 0


@pytest.mark.parametrize("size", [131_071, 131_072, 1 << 20])
@pytest.mark.parametrize("make", [os.urandom, lambda size: b"x" * size], ids=["random", "equal"])
def test_a_frame_longer_than_one_zstd_block_comes_back(tmp_path, make, size):
    data = make(size)
    write(tmp_path / "a.avcr", [fmt.OutputPiece(0, "stdout", 0, data)])
    assert load_run(tmp_path / "a.avcr").output("stdout") == data


def test_a_journal_torn_at_any_byte_is_its_prefix_of_whole_frames(tmp_path):
    whole_path, path = tmp_path / "whole.avcr", tmp_path / "torn.avcr"
    data = write(whole_path)
    whole, ends = load_run(whole_path), frame_ends(data)
    for size in range(len(data)):
        path.write_bytes(data[:size])
        if size < ends[1]:
            with pytest.raises((CassetteEmptyError, CassetteForeignError)):
                load_run(path)
            continue
        run = load_run(path)
        assert prefix_of(run, whole), size
        assert run.torn_bytes == size - max(end for end in ends if end <= size)
        assert run.outcome is None


def test_a_flipped_bit_gives_a_prefix_or_a_clear_error(tmp_path, rounds):
    whole_path, path = tmp_path / "whole.avcr", tmp_path / "flipped.avcr"
    data, whole = write(whole_path), load_run(whole_path)
    chance = random.Random(20)
    for _ in range(100 * rounds):
        bit = chance.randrange(8 * len(data))
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            run = load_run(path)
        except READ_ERRORS:
            continue
        assert prefix_of(run, whole), bit


def test_a_request_that_is_torn_between_its_frames_did_not_begin(tmp_path):
    body = os.urandom(3 << 20)
    pieces = [fmt.Body(1, body[at : at + fmt.PIECE]) for at in range(0, len(body), fmt.PIECE)]
    path = tmp_path / "a.avcr"
    begin = msgspec.structs.replace(EXCHANGE, body_size=len(body))
    data = write(path, [begin, *pieces, fmt.NoteRecord("live", 0, 0, "", 1)])
    seen = []
    for end in frame_ends(data)[1:]:
        path.write_bytes(data[:end])
        seen.append([one.request.body == body for one in load_run(path).exchanges])
    assert seen == [[], [], [], [], [True], [True]]


@pytest.mark.parametrize("size", [1, 11, 12, 13, 5_000])
def test_a_tail_of_zeros_is_torn_off(tmp_path, size):
    path = tmp_path / "a.avcr"
    data = write(path)
    whole = load_run(path)
    path.write_bytes(data + bytes(size))
    run = load_run(path)
    assert run.torn_bytes == size
    assert (run.exchanges, run.outcome) == (whole.exchanges, whole.outcome)


def test_a_frame_whose_end_was_never_written_is_torn_off(tmp_path):
    path = tmp_path / "a.avcr"
    last = fmt.OutputPiece(0, "stdout", 15, os.urandom(300))
    data = write(path, (*RECORDS, last))
    start = frame_ends(data)[-2]
    for written in range(1, len(data) - start - 16):
        for more in (0, 4096):
            path.write_bytes(data[: start + written] + bytes(len(data) - start - written + more))
            run = load_run(path)
            assert run.torn_bytes == len(data) - start + more, written
            assert run.output("stdout") == b"said"


def test_zeros_in_the_middle_of_a_journal_are_damage(tmp_path):
    path = tmp_path / "a.avcr"
    data = bytearray(write(path))
    start, end = frame_ends(data)[3:5]
    data[start + 14 : end] = bytes(end - start - 14)
    path.write_bytes(data)
    with pytest.raises(CassetteDamagedError):
        load_run(path)


def test_a_frame_whose_length_alone_is_gone_is_damage_and_no_tail_of_zeros(tmp_path):
    path = tmp_path / "a.avcr"
    data = bytearray(write(path))
    third = frame_ends(data)[2]
    data[third : third + 4] = bytes(4)
    path.write_bytes(data)
    with pytest.raises(CassetteDamagedError):
        load_run(path)


@pytest.mark.parametrize("kind", [0, 1])
def test_a_frame_that_claims_more_than_the_bound_is_refused_unread(tmp_path, kind):
    sizes = [1, 1]
    sizes[kind] = fmt.MAX_FRAME + 1
    path = tmp_path / "a.avcr"
    path.write_bytes(fmt.JOURNAL + fmt.FRAME.pack(*sizes, 0) + b"x" * 100)
    with pytest.raises(CassetteDamagedError, match="impossible size"):
        load_run(path)


@pytest.mark.parametrize("change", [-1, 1, -100_000])
def test_a_frame_that_decompresses_to_another_size_than_it_says_is_damaged(tmp_path, change):
    piece = (10, msgspec.msgpack.encode(fmt.OutputPiece(0, "stdout", 0, b"x" * 500_000)))
    size = fmt.FRAME.unpack_from(crafted(piece), len(fmt.JOURNAL))[1]
    path = tmp_path / "a.avcr"
    path.write_bytes(crafted(piece, raw_length=size + change))
    with pytest.raises(CassetteDamagedError):
        load_run(path)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param((11, b"\x95\xa1\xff\x00\x00\xa1a\x01"), id="text that is no UTF-8"),
        pytest.param((11, b"\x96\xa1a\x00\x00\xa1a\x01" + b"\x91" * 99_999), id="deep nesting"),
        pytest.param((6, b"\x92\x01\xc6\xff\xff\xff\xff"), id="a huge body"),
        pytest.param((7, b"\x96\x01\x00\xcc\xc8\xc4\x00\xc4\x00\xdd\xff\xff\xff\xff"), id="array"),
        pytest.param((6, msgspec.msgpack.encode(fmt.Body(9, b""))), id="of no exchange"),
        pytest.param((6, b""), id="nothing"),
    ],
)
def test_a_record_that_makes_no_sense_is_damage_and_never_another_error(tmp_path, record):
    path = tmp_path / "a.avcr"
    path.write_bytes(crafted(record))
    with pytest.raises(CassetteDamagedError):
        load_run(path)


def test_unknown_record_types_are_refused_below_the_extensions_and_skipped_from_there(tmp_path):
    path = tmp_path / "a.avcr"
    path.write_bytes(crafted((fmt.EXTENSION - 1, b"?")))
    with pytest.raises(CassetteVersionError, match="127"):
        load_run(path)
    path.write_bytes(crafted((fmt.EXTENSION, b"?"), (255, b"")))
    assert load_run(path).info.run_id == "run"


def test_another_version_is_refused_and_another_file_is_foreign(tmp_path):
    path = tmp_path / "a.avcr"
    for content, error in (
        (fmt.JOURNAL[:-1] + b"\x02", CassetteVersionError),
        (b"interactions:\n- request:\n", CassetteForeignError),
        (fmt.JOURNAL.replace(b"\r\n", b"\n"), CassetteForeignError),
        (b"", CassetteEmptyError),
        (fmt.JOURNAL, CassetteEmptyError),
    ):
        path.write_bytes(content)
        with pytest.raises(error):
            load_run(path)


def test_the_longest_record_is_read_and_a_longer_one_is_refused_whole(tmp_path):
    path = tmp_path / "a.avcr"
    longest = fmt.MAX_FRAME // 2 - len(msgspec.msgpack.encode(note("x" * 70_000))) + 70_000
    journal = Journal(path)
    journal.add(BEGIN)
    journal.add(note(os.urandom(longest // 2).hex().ljust(longest, "x")))
    with pytest.raises(RecordTooLargeError, match="NoteRecord"):
        journal.add(note("x" * (longest + 1)))
    journal.add(note("after"))
    journal.close()
    assert [len(one.text) for one in load_run(path).notes] == [longest, 5]


def test_a_field_that_a_later_version_appended_is_passed_over(tmp_path):
    path = tmp_path / "a.avcr"
    fields = [*msgspec.to_builtins(fmt.NoteRecord("live", 1, 0, "text", 2)), "new", {"a": 1}]
    path.write_bytes(crafted((11, msgspec.msgpack.encode(fields))))
    assert [one.text for one in load_run(path).notes] == ["text"]


def test_an_existing_file_is_kept_unless_forced(tmp_path):
    path = tmp_path / "a.avcr"
    path.write_bytes(b"precious")
    with pytest.raises(TargetExistsError):
        Journal(path)
    assert path.read_bytes() == b"precious"
    Journal(path, force=True).close()
    assert path.read_bytes() == fmt.JOURNAL


def test_a_target_that_cannot_be_made_says_why(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TargetUnwritableError, match="a part of its path is a file"):
        Journal(tmp_path / "file" / "a.avcr")
    with pytest.raises(TargetUnwritableError, match="it is a folder"):
        Journal(tmp_path)


LIMITED = """
import os, resource, signal, sys
from pathlib import Path
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal, JournalBrokenError
from agentvcr.errors import TargetUnwritableError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
"""
FULL_AT_ONCE = """
try:
    Journal(Path(sys.argv[1]))
except TargetUnwritableError as error:
    print(error)
"""
FULL_LATER = """
journal = Journal(Path(sys.argv[1]))
journal.add(fmt.RunBegin("run", 1, (), ".", "0", "p", "1", {}))
broken = 0
for number in range(20):
    journal.add(fmt.OutputPiece(0, "stdout", number, os.urandom(4096)))
    try:
        journal.flush()
    except JournalBrokenError as error:
        broken += 1
print(number, broken)
journal.close()
"""


def limited(program, path, size):
    command = [sys.executable, "-c", LIMITED + program, str(path), str(size)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_disk_that_is_full_from_the_start_is_an_unwritable_target(tmp_path):
    path = tmp_path / "a.avcr"
    assert limited(FULL_AT_ONCE, path, 5).startswith(f"cannot write {path}: File too large")
    assert not path.exists()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no /dev/full on this system")
def test_a_target_that_is_no_file_of_ours_is_left_where_it_is(tmp_path):
    path = tmp_path / "a.avcr"
    path.symlink_to("/dev/full")  # a link, so that nobody's device is at risk
    with pytest.raises(TargetUnwritableError, match="No space left"):
        Journal(path, force=True)
    assert path.is_symlink()


def test_a_full_disk_leaves_whole_frames_and_says_so_each_time(tmp_path):
    path = tmp_path / "a.avcr"
    _, broken = map(int, limited(FULL_LATER, path, 50_000).split())
    run = load_run(path)
    assert run.torn_bytes == 0
    assert len(run.outputs) == 20 - broken
    assert 0 < broken < 20
