"""Files that claim more than they hold: refused in a line, in little memory.

Each is given to the real commands in a process of its own, which may take 256 MB more than it had
after a cassette that is whole.
"""

import json
import os
import struct
import subprocess

import msgspec
import pytest
import zstandard

from agentvcr.cassette import format as fmt
from agentvcr.cassette.seal import seal
from tests.support.command_line import python
from tests.unit.build import chat, run
from tests.unit.cassette.crafting import Sealed, frame, journal, packed, row
from tests.unit.recorded import write_journal

MEGABYTES = 256
MOST_BYTES = 8 << 10
"""Of a bomb that is small; it claims much."""
HUGE = b"\xff\xff\xff\xff"
MANY = 1_000_000
FRAMES = 20_000 * int(os.environ.get("ROUNDS", "3"))


def encode(value):
    return msgspec.msgpack.encode(value)


def headers_of(rest):
    """Give a Head whose headers are anything."""
    return 7, b"\x96\x01\x00\xcc\xc8\xc4\x00\xc4\x00" + rest


# --- journals -------------------------------------------------------------------------------------

EMPTY_BLOCK = bytes(3)
JOURNALS = {
    "a frame that claims 4 GB": fmt.JOURNAL + fmt.FRAME.pack(0xFFFFFFFF, 1, 0) + b"x" * 900,
    "a frame that claims to become 4 GB": fmt.JOURNAL + fmt.FRAME.pack(9, 0xFFFFFFFF, 0) + b"x" * 9,
    "one that becomes more than it says": journal(
        (10, encode([0, "stdout", 0, b"\0" * 30_000_000])), raw_length=1000
    ),
    "one that becomes less than it says": journal(raw_length=8_000_000),
    "a window of 128 MB": journal(window=27),
    "arrays in arrays": journal((11, b"\x96\xa1a\x00\x00\xa1a\x01" + b"\x91" * 4_000_000)),
    "maps in maps": journal((11, b"\x96\xa1a\x00\x00\xa1a\x01" + b"\x81\x01" * 2_000_000)),
    "a header list of four billion": journal(headers_of(b"\xdd" + HUGE)),
    "a header of 4 GB": journal(headers_of(b"\x91\x92\xc4\x01a\xc6" + HUGE)),
    "a text of 4 GB": journal((11, b"\x95\xdb" + HUGE)),
    "a map of four billion": journal((1, b"\x98\xa0\x00\x90\xa0\xa0\xa0\xa0\xdf" + HUGE + b"\xa0")),
    "a number above 2^53": journal((4, encode([(1 << 53) + 1, 0]))),
    "a number above 2^64": journal((4, b"\x92\xcf" + b"\xff" * 8 + b"\x00")),
    "a negative number": journal((4, encode([-1, 0]))),
    "chunks of sizes without data": journal(
        (5, encode([1, 0, "", "", 0, "", "", [], b"", b"", False, None, 0])),
        (7, encode([1, 0, 200, b"", b"", []])),
        (8, encode([1, [0] * 400_000, [1 << 53] * 400_000, b"", False])),
    ),
    "many frames of no stream": fmt.JOURNAL + frame(EMPTY_BLOCK, 0) * FRAMES,
    "many empty frames": journal() + frame(EMPTY_BLOCK, 0) * FRAMES,
    "millions of zeros": fmt.JOURNAL + bytes(12 * FRAMES),
}


# --- sealed files ---------------------------------------------------------------------------------


def with_trailer(offset):
    sealed = Sealed()
    end = len(sealed.finish())
    sealed.data = sealed.data[: end - fmt.TRAILER.size]
    return sealed.end(offset if offset >= 0 else end + offset)


def with_payload(payload, raw_length):
    """Give a file whose last frame is this."""
    sealed = Sealed()
    return sealed.end(sealed.put_frame(frame(payload, raw_length)))


def with_header(length, raw_length):
    sealed = Sealed()
    return sealed.end(sealed.put_frame(fmt.FRAME.pack(length, raw_length, 0)))


def zstd_frame(content, window_log=10, block=b"\x01\x00\x00"):
    """Make a zstd frame's header by hand: it says any content size."""
    descriptor, window = bytes([0b1100_0000]), bytes([(window_log - 10) << 3])
    return b"\x28\xb5\x2f\xfd" + descriptor + window + struct.pack("<Q", content) + block


def with_recipe(recipe, *blobs):
    sealed = Sealed()
    found = [sealed.blobs(*blobs)]
    rows = [sealed.rows(row(request=recipe))]
    return sealed.finish(blobs=found, rows=rows, keys=[sealed.keys([1])])


def with_rows(sizes, data):
    sealed = Sealed()
    keys, offset = sealed.keys([1]), sealed.put(fmt.Rows(sizes, data))
    return sealed.finish(rows=[[offset, "main", 1, 1]], keys=[keys])


def with_blobs(sizes, data):
    sealed = Sealed()
    offset = sealed.put(fmt.Blobs(0, sizes, data))
    rows = [sealed.rows(row(request=(0, 4)))]
    return sealed.finish(blobs=[[offset, 0, 1]], rows=rows, keys=[sealed.keys([1])])


def with_keys(keys, count):
    sealed = Sealed()
    offsets = [sealed.put(one) for one in (keys, fmt.Fingerprints(b""), fmt.RawHashes(b""))]
    return sealed.finish(keys=[[*offsets, 1, count]])


def with_directory(**parts):
    return Sealed().finish(**parts)


def with_one_group_named_often(times):
    sealed = Sealed()
    rows, keys = sealed.rows(row(response=b"x" * 4_000_000)), sealed.keys([1])
    return sealed.finish(rows=[rows] * times, keys=[keys])


def with_one_story_told_often(times):
    sealed = Sealed()
    told = sealed.put(fmt.OutputPiece(0, "stdout", 0, b"x" * 1_000_000))
    return sealed.finish(story=[*sealed.story, *[told] * times])


def with_frames_that_name_themselves():
    sealed = Sealed()
    here = len(sealed.data)
    block = [here, here, here, 1, 1]
    return sealed.finish(story=[here], blobs=[[here, 0, 1]], rows=[[here, "", 1, 1]], keys=[block])


def with_empty_frames(payload, times):
    sealed = Sealed()
    sealed.put_frame(frame(payload, 0) * times)
    return sealed.finish()


SIZES = (127,) * 8_000_000
SEALED = {
    "a trailer that names itself": with_trailer(-16),
    "one that names its middle": with_trailer(-7),
    "one that names the end": with_trailer(-1),
    "one that names the magic": with_trailer(3),
    "one far behind the end": with_trailer(1 << 40),
    "one at the last signed offset": with_trailer((1 << 63) - 1),
    "one behind the last signed offset": with_trailer(1 << 63),
    "one at the last offset": with_trailer((1 << 64) - 1),
    "a frame that claims 4 GB": with_header(0xFFFFFFFF, 0xFFFFFFFF),
    "a content size of 100 GB": with_payload(zstd_frame(100 << 30), 1000),
    "a window of 2 TB": with_payload(zstd_frame(1000, window_log=41), 1000),
    "no block behind a content size": with_payload(zstd_frame(8_000_000), 8_000_000),
    "a skippable frame": with_payload(b"\x50\x2a\x4d\x18" + struct.pack("<I", 8) + bytes(8), 8),
    "one that becomes more than it says": with_payload(packed(bytes(30_000_000)), 1000),
    "arrays in arrays": with_directory(story=[12], here=[(69, b"\x95" + b"\x91" * 4_000_000)]),
    "a body of 2 GB and more from one piece": with_recipe((0, 4) * 1024, bytes(4 << 20)),
    "a body of nearly 2 GB from one piece": with_recipe((0, 4) * 511, bytes(4 << 20)),
    "a body of a piece a million times": with_recipe((0, 4) * MANY, bytes(4000)),
    "a body of no byte a million times": with_recipe((0, 4) * MANY, b""),
    "a body of a byte a million times": with_recipe((0, 4) * MANY, b"x"),
    "a body of more pieces than there are": with_recipe((0, 4 << 50), b"x"),
    "a body of pieces far away": with_recipe((1 << 50, 4), b"x"),
    "a body in a way that nobody writes": with_recipe((0, 7), b"x"),
    "a body of half a pair": with_recipe((0, 4, 0), b"x"),
    "rows that have more than their data": with_rows(SIZES, b"x"),
    "rows of 2^53 bytes": with_rows((1 << 53,) * 1000, b"x"),
    "pieces that have more than their data": with_blobs(SIZES, b"x"),
    "a row that is all arrays": with_rows((4_000_000,), b"\x91" * 4_000_000),
    "gaps by the million": with_keys(fmt.Keys(1, SIZES, (), (), (), (), ()), 8_000_000),
    "gaps by the million for one key": with_keys(fmt.Keys(1, SIZES, (), (), (), (), ()), 1),
    "gaps to beyond 2^63": with_keys(
        fmt.Keys(1, (0, *(1 << 53,) * 2000), ("",), (0,) * 2001, ("",), (0,) * 2001, ()), 2001
    ),
    "a block of 2^53 keys": with_keys(fmt.Keys(1, (0,), ("",), (0,), ("",), (0,), ()), 1 << 53),
    "two thousand blocks of 2^53 keys": with_directory(keys=[[12, 12, 12, 1, 1 << 53]] * 2000),
    "a directory of ten million pieces": with_directory(
        here=[(69, b"\x95\x90\xdd" + struct.pack(">I", 10_000_000))]
    ),
    "a directory of a million groups of pieces": with_directory(blobs=[[0, 0, 0]] * MANY),
    "a directory of a million groups of rows": with_directory(rows=[[0, "", 0, 0]] * MANY),
    "a directory of a million blocks of keys": with_directory(keys=[[0, 0, 0, 0, 1]] * MANY),
    "a group that is named a million times": with_one_group_named_often(500_000),
    "a story that is told a million times": with_one_story_told_often(MANY),
    "frames that name themselves": with_frames_that_name_themselves(),
    "many frames of nothing": with_empty_frames(b"", FRAMES),
    "many empty frames": with_empty_frames(zstandard.ZstdCompressor().compress(b""), FRAMES),
}
BOMBS = {f"journal: {name}": data for name, data in JOURNALS.items()} | {
    f"sealed: {name}": data for name, data in SEALED.items()
}
WHOLE = {"journal: many empty frames"}
"""Bombs that are none: what they claim, they hold, and it is nothing."""
UNSEEN = {"sealed: many empty frames", "sealed: many frames of nothing"}
"""Bombs that `show` has no reason to look at."""
LARGE = UNSEEN | {
    "journal: many empty frames",
    "journal: many frames of no stream",
    "journal: millions of zeros",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What each command made of each bomb."""
    folder = tmp_path_factory.mktemp("bombs")
    warm = folder / "warm.avcr"
    write_journal(warm, run(chat("a"), chat("b")))
    seal(warm)
    asked = []
    for number, data in enumerate(BOMBS.values()):
        (folder / f"{number}.avcr").write_bytes(data)
        asked += [["show", f"{number}.avcr"], ["verify", f"{number}.avcr"]]
    done = subprocess.run(
        python("bounded.py", MEGABYTES, warm),
        cwd=folder,
        input="\n".join(map(json.dumps, asked)),
        capture_output=True,
        text=True,
        check=True,
    )
    found = map(json.loads, done.stdout.splitlines())
    names = [(name, verb) for name in BOMBS for verb in ("show", "verify")]
    return dict(zip(names, found, strict=True))


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("verb", ["show", "verify"])
def test_a_bomb_is_refused_in_a_line_and_little_memory(outcomes, name, verb):
    status, megabytes, said = outcomes[name, verb]
    is_whole = name in WHOLE or (name in UNSEEN and verb == "show")
    assert status == (0 if is_whole else 3), said
    assert 0 <= megabytes < MEGABYTES
    assert "Traceback" not in said
    if verb == "verify":
        assert (": DAMAGED, " in said) != is_whole
    elif not is_whole:
        assert said.startswith("agentvcr: ")
        assert len(said.splitlines()) <= 3


def test_bombs_are_small_where_it_is_what_they_claim_that_is_large():
    assert {name for name, data in BOMBS.items() if len(data) > MOST_BYTES} == LARGE
