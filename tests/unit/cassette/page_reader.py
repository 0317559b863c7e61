"""A reader written from docs/reference/cassette-format.md, and from nothing else.

Knows no code of AgentVCR. Takes lengths and slices of what it is given and nothing else. What a
record may hold stands in `page_tables`.
"""

import base64
import re
import struct
import zlib
from bisect import bisect_right
from itertools import accumulate, chain, pairwise, takewhile
from pathlib import Path

import zstandard

from tests.unit.cassette.page_tables import SPECS, Damage, check, decoded, named

WORDS = Path(__file__).parents[3] / "docs/reference/cassette-dictionary.bin"
DICTIONARY = zstandard.ZstdCompressionDict(WORDS.read_bytes(), zstandard.DICT_TYPE_RAWCONTENT)
JOURNAL = bytes.fromhex("41 56 43 52 4a 00 0d 0a 1a 0a 00 01")
SEALED = bytes.fromhex("41 56 43 52 50 00 0d 0a 1a 0a 00 01")
BEGINNING, TRAILER = 12, 16
MOST = 8_388_608
STORY = (1, 2, 3, 4, 10, 11, 12, 13, 14)
WAYS = (bytes, base64.b64encode, base64.urlsafe_b64encode)


def place_of(row):
    return list(decoded(row, "row").values())[:2]  # lane and number


def frame(data, at, end):
    """Give a frame's payload, its size decompressed, and where the next begins; nothing if torn."""
    length, raw_length, crc = struct.unpack("<III", data[at : at + 12])
    check(max(length, raw_length) <= MOST, "a frame is too large")
    after = at + 12 + length
    if after > end:
        return None
    if zlib.crc32(payload := data[at + 12 : after]) != crc:
        return check(length >= 16 and not any(data[after - 16 :]), "checksum")  # zeros from there
    return payload, raw_length, after


def journal_frames(data):
    """Yield the decompressed frames of a journal; what is cut at the end is not there."""
    stream = zstandard.ZstdDecompressor(max_window_size=MOST).decompressobj()
    at = BEGINNING
    while len(data) - at >= 12 and any(data[at:]):
        if not (found := frame(data, at, len(data))):
            return
        yield grown(stream, *found[:2])
        at = found[2]


def grown(stream, payload, raw_length):
    """Decompress the next payload of a stream, and never much more than it announces."""
    raw = bytearray()
    try:
        for at in range(0, len(payload), 256):
            raw += stream.decompress(payload[at : at + 256])
            check(len(raw) <= raw_length, "more than announced")
    except zstandard.ZstdError as error:
        raise Damage(str(error)) from error
    check(len(raw) == raw_length and not stream.eof, "less than announced")
    return bytes(raw)


def sealed_frame(data, at):
    """Decompress one frame of a sealed file, and say where the next one begins."""
    check(BEGINNING <= at <= len(data) - TRAILER - 12, "no place for a frame")
    check(found := frame(data, at, len(data) - TRAILER), "a frame goes over the end")
    payload, raw_length, after = found
    words = DICTIONARY if raw_length < 131_072 else None
    try:
        said = zstandard.get_frame_parameters(payload)
        check(said.content_size == raw_length and said.window_size <= MOST, "size")
        raw = zstandard.ZstdDecompressor(words).decompress(payload, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Damage(str(error)) from error
    check(len(raw) == raw_length, "size")
    return raw, after


def records(raw):
    """List (type, fields) of every record in a decompressed frame; what may be skipped is not."""
    at, found = 0, []
    while at < len(raw):
        check(len(raw) - at >= 5, "a torn record")
        kind, size = struct.unpack("<BI", raw[at : at + 5])
        at += 5 + size
        check(at <= len(raw), "a record goes over the border of its frame")
        if kind in SPECS:
            found.append((kind, decoded(raw[at - size : at], kind)))
        else:
            check(kind >= 128, f"unknown type {kind}")
    return found


def read(data):
    """Put a run together, as plain dicts and lists."""
    check(data[:12] in (JOURNAL, SEALED), "no cassette of version 1")
    return read_sealed(data) if data[:12] == SEALED else read_journal(data)


def read_journal(data):
    story, mixed = [], {}
    for kind, values in chain.from_iterable(map(records, journal_frames(data))):
        check(kind <= 14, "not in a journal")
        place = story if kind in STORY else mixed.setdefault(values["number"], [])
        place.append((kind, values))
    exchanges = [journal_exchange(mixed[number]) for number in sorted(mixed)]
    return told(story, [one for one in exchanges if one])


def told(story, exchanges):
    kinds = [kind for kind, _ in story]
    check(kinds[:1] == [1] and kinds.count(1) == 1, "the first record is no RunBegin")
    check(2 not in kinds[:-1], "something behind the end")
    end = story[-1][1] if kinds[-1] == 2 else None
    run = {"info": story[0][1], "end": end, "exchanges": exchanges}
    for name, wanted in (
        *(("processes", 3), ("process_ends", 4), ("outputs", 10), ("notes", 11)),
        ("world", 14),
    ):
        run[name] = [values for kind, values in story if kind == wanted]
    run["outputs"].sort(key=lambda piece: piece["at_us"])
    return run | {"steps": list(named_steps(story))}


def named_steps(story):
    """Yield what its StepBegin says of each step, with what its StepEnd says; the first counts."""
    begins, ends = (
        {values["path"]: values for kind, values in reversed(story) if kind == wanted}
        for wanted in (12, 13)
    )
    for path in sorted(begins, key=lambda path: (begins[path]["at_us"], path)):
        yield begins[path] | {"end": ends.get(path)}


def journal_exchange(found):
    """Put together what has one number; nothing where the request is torn."""
    order = "".join(str(kind) for kind, _ in found)
    check(re.fullmatch("56*(78*)?9?", order), "records in another order")
    one = {**found[0][1], "head": None, "chunks": [], "end": None}
    one["body"] = b"".join(values["data"] for kind, values in found if kind == 6)
    goes_on = False
    for kind, values in found:
        del values["number"]
        if kind == 8:
            goes_on = add_chunks(one, goes_on, **values)
        elif kind in (7, 9):
            one["head" if kind == 7 else "end"] = values
    del one["chunks"][len(one["chunks"]) - goes_on :]  # the one that never ended is cut
    whole = one.pop("body_size") == len(one["body"])
    check(whole or not one["end"], "an end before the request was whole")
    return one if whole else None


def add_chunks(one, goes_on, after_us, sizes, data, more):  # noqa: PLR0913 - the record's fields
    check(len(after_us) == len(sizes) <= 4096 and (sizes or not more), "chunks")
    now = one["chunks"][-1][0] if one["chunks"] else one["head"]["at_us"]
    for after, part in zip(after_us, parts_of(sizes, data), strict=True):
        now += after
        begun = one["chunks"].pop()[1] if goes_on else b""
        one["chunks"].append([now, begun + part])
        goes_on = False
    return more or goes_on


def parts_of(sizes, data):
    check(sum(sizes) == len(data), "sizes")
    return [data[start:end] for start, end in pairwise(accumulate(sizes, initial=0))]


class Sealed:
    def __init__(self, data):
        check(data[:12] == SEALED, "no sealed cassette of version 1")
        check(len(data) >= BEGINNING + TRAILER, "cut")
        at, crc, mark = struct.unpack("<QI4s", data[len(data) - TRAILER : len(data)])
        check(mark == b"AVCE" and crc == zlib.crc32(struct.pack("<Q", at)), "cut")
        raw, after = sealed_frame(data, at)
        check(after == len(data) - TRAILER, "something behind the last frame")
        self.data, self.last_at, self.last, self.pieces = data, at, records(raw), {}
        check(self.last and self.last[-1][0] == 69, "no directory at the end")
        self.directory = self.last[-1][1]

    def one(self, at, kind):
        """Give the one record that a frame holds, or the last frame's of that type."""
        found = records(sealed_frame(self.data, at)[0]) if at else self.last
        check(at == 0 or len(found) == 1, "not one record")
        values = [values for found_kind, values in found if found_kind == kind]
        check(len(values) == 1, "not the record that the directory names")
        return values[0]

    def eights(self, at, kind, many):
        data = self.one(at, kind)["data"]
        check(len(data) == 8 * many, "hashes")
        return [data[at : at + 8] for at in range(0, len(data), 8)]

    def block(self, keys, prints, hashes, first, many):
        """Give what the exchanges of a block are found by."""
        key = self.one(keys, 66)
        prints, hashes = self.eights(prints, 67, many), self.eights(hashes, 68, many)
        gaps, columns = key["gaps"], {}
        for name in ("lane", "kind", "place"):
            at, there = key[name], key[name + "s"]
            check(len(at) == many or (name == "place" and not at), "keys")
            check(max(at, default=-1) < len(there), "places")
            columns[name] = [there[one] for one in at] or [""] * many
        check(len(gaps) == many > 0 and key["first"] == first, "keys")
        check(gaps[0] == 0 and all(gaps[1:]), "numbers")
        numbers, internal = list(accumulate(gaps, initial=first))[1:], set(key["internal"])
        check(internal <= set(numbers), "internal")
        return {
            number: {"number": number, "internal": number in internal, "fingerprint": prints[at]}
            | {"lane": columns["lane"][at], "step": columns["kind"][at]}
            | {"raw_hash": hashes[at] if any(hashes[at]) else b"", "place": columns["place"][at]}
            for at, number in enumerate(numbers)
        }

    def row_group(self, at, lane, number, many, *_):
        """Give the encoded rows of a group."""
        rows = parts_of(**self.one(at, 65))
        check(len(rows) == many > 0 and place_of(rows[0]) == [lane, number], "rows")
        return rows

    def list_pieces(self, first, many):
        blobs = self.directory["blobs"]
        while many:
            place = bisect_right(blobs, first, key=lambda blob: blob[1]) - 1
            check(place >= 0 and first < sum(blobs[place][1:3]), "no such piece")
            start = first - blobs[place][1]
            here = self.blob_group(*blobs[place])[start : start + many]
            yield from here
            first, many = first + len(here), many - len(here)

    def blob_group(self, at, first, many, *_):
        if first not in self.pieces:
            found = self.one(at, 64)
            check((found["first"], len(found["sizes"])) == (first, many), "other pieces")
            self.pieces[first] = parts_of(found["sizes"], found["data"])
        return self.pieces[first]

    def body(self, recipe):
        if isinstance(recipe, bytes):
            return recipe
        parts = []
        check(len(recipe) % 2 == 0, "half a pair")
        for first, code in zip(recipe[::2], recipe[1::2], strict=True):
            check(code % 4 < len(WAYS), "no such way")
            parts += map(WAYS[code % 4], self.list_pieces(first, code // 4))
        return b"".join(parts)

    def exchange(self, row, key):
        """Put an exchange together from its row and its key."""
        answer, closing = row.pop("answer"), row.pop("closing")
        body, said = self.body(row.pop("request_body")), self.body(row.pop("response_body"))
        said_twice = ("number", "lane", "internal", "place")
        check(all(row[name] == key[name] for name in said_twice), "a key")
        one = {**row, **key, "body": body, "head": None, "chunks": [], "end": None}
        if answer:
            head_us, parts = row["at_us"] + answer[0], parts_of(answer[6], said)
            one["head"] = named("answer", [head_us, *answer[1:5]])
            check(len(answer[5]) == len(parts), "chunks")
            times = list(accumulate(answer[5], initial=head_us))[1:]
            one["chunks"] = [list(chunk) for chunk in zip(times, parts, strict=True)]
        check(answer or not said, "a body without a head")
        if closing:
            one["end"] = named("closing", [row["at_us"] + closing[0], *closing[1:]])
        return one

    def find(self, key):
        """Give the exchange of a key; its row is looked for by halving."""
        wanted, groups = [key["lane"], key["number"]], self.directory["rows"]
        place = bisect_right(groups, wanted, key=lambda group: group[1:3]) - 1
        check(place >= 0, "no row")
        rows = self.row_group(*groups[place])
        row = rows[bisect_right(rows, wanted, key=place_of) - 1]
        return self.exchange(decoded(row, "row"), key)


def read_frames(sealed):
    """Give the records of each frame by its offset, each named once by the directory."""
    at, frames, lists = BEGINNING, {}, sealed.directory
    while at < sealed.last_at:
        raw, after = sealed_frame(sealed.data, at)
        frames[at] = records(raw)
        at = after
    check(at == sealed.last_at, "the last frame is elsewhere")
    names = [(64, blob[0]) for blob in lists["blobs"]] + [(65, rows[0]) for rows in lists["rows"]]
    names += [pair for block in lists["keys"] for pair in zip((66, 67, 68), block, strict=False)]
    offsets = [at for at in [*lists["story"], *(at for _, at in names)] if at]
    check(sorted(offsets) == [at for at in frames if frames[at]], "frames that are not named once")
    story = list(takewhile(lambda record: record[0] in STORY, sealed.last))
    others = sorted(kind for kind, _ in sealed.last[len(story) :])
    check(others == [kind for kind, at in names if not at] + [69], "the last frame has others")
    check(bool(story) == (0 in lists["story"]), "the story is elsewhere")
    return frames | {0: story}


def read_sealed(data):
    """Read all of a sealed file, and hold its directory against its frames."""
    sealed = Sealed(data)
    frames, lists, keys = read_frames(sealed), sealed.directory, {}
    ends = list(accumulate((len(sealed.blob_group(*blob)) for blob in lists["blobs"]), initial=0))
    check([blob[1] for blob in lists["blobs"]] == ends[:-1], "numbers of pieces")
    for block in lists["keys"]:
        check(not keys or block[3] > next(reversed(keys)), "the order of blocks")
        keys |= sealed.block(*block[:5])
    rows = chain.from_iterable(sealed.row_group(*group) for group in lists["rows"])
    rows = [decoded(row, "row") for row in rows]
    places = [(row["lane"], row["number"]) for row in rows]
    check(all(one < other for one, other in pairwise(places)), "the order of rows")
    check(sorted(number for _, number in places) == list(keys), "rows and keys")
    story = [record for at in lists["story"] for record in frames[at]]
    check(all(kind in STORY for kind, _ in story), "more than the story")
    exchanges = [sealed.exchange(row, keys[row["number"]]) for row in rows]
    return told(story, sorted(exchanges, key=lambda one: one["number"]))


def find(data, number):
    """Read one exchange and little else."""
    sealed = Sealed(data)
    blocks = sealed.directory["keys"]
    place = bisect_right(blocks, number, key=lambda block: block[3]) - 1
    key = sealed.block(*blocks[place][:5]).get(number) if place >= 0 else None
    return sealed.find(key) if key else None


def find_by_fingerprint(data, fingerprint):
    """Read the exchanges of a sealed file that asked the same, and little else."""
    sealed, found = Sealed(data), []
    for block in sealed.directory["keys"]:
        if fingerprint in sealed.eights(block[1], 67, block[4]):
            found += sealed.block(*block[:5]).values()
    return [sealed.find(key) for key in found if key["fingerprint"] == fingerprint]
