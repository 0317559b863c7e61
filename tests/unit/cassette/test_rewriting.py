"""A cassette with other hashes and rules is the same in everything else, to the byte."""

import shutil

import msgspec
import pytest

from agentvcr.cassette import format as fmt
from agentvcr.cassette import pack
from agentvcr.cassette.checking import verify
from agentvcr.cassette.frames import read_frame, records
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.journal_reader import JournalReader
from agentvcr.cassette.opening import open_cassette
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.rewriting import NewKeys, rewrite
from agentvcr.cassette.seal import seal
from agentvcr.cassette.sealed import SealedFile
from agentvcr.model.rules import KIND as RULES_KIND
from agentvcr.session.sealing import kind_of_step
from tests.golden.make_golden import NAMES, STEPS_NAMES
from tests.golden.test_version_1 import GOLDEN
from tests.unit.cassette.damaged import quiet, sample
from tests.unit.recorded import write_journal

EVERY = [GOLDEN / name for name in (*NAMES, *STEPS_NAMES)]


def new_keys(path, *, declared=b'{"ids":["t-"]}'):
    numbers = [one.number for one in load_run(path).exchanges.list_keys()]
    hashes = {one: (one.to_bytes(8, "big"), (one + 1).to_bytes(8, "little")) for one in numbers}
    return NewKeys(rules="9", declared=declared, hashes=hashes)


def plain(run):
    """Give all that a run tells but for what is to change."""
    info = msgspec.structs.replace(run.info, rules="")
    exchanges = [
        msgspec.structs.replace(one, fingerprint=b"", raw_hash=b"") for one in run.exchanges
    ]
    world = [part for part in run.world if part.kind != RULES_KIND]
    return (
        msgspec.structs.replace(run, path="", info=info, exchanges=(), world=()),
        exchanges,
        world,
    )


def frames(path):
    """Give the frames of a sealed file, by what stands in them."""
    data, offset, found = path.read_bytes(), len(fmt.SEALED), []
    while offset < len(data) - fmt.TRAILER.size:
        raw, after = read_frame(lambda at, size: data[at : at + size], offset)
        found.append(({type(one) for one in records(raw)}, data[offset:after]))
        offset = after
    return found


@pytest.fixture(params=[path.name for path in EVERY] + ["grouped", "journal"])
def cassette(request, tmp_path, monkeypatch):
    path = tmp_path / "x.avcr"
    if request.param.endswith(".avcr"):
        shutil.copy(GOLDEN / request.param, path)
        return path
    write_journal(path, sample(4), each=True)
    if request.param == "grouped":
        for name, size in (("GROUP", 1500), ("ONE_FRAME", 0), ("BLOCK", 5)):
            monkeypatch.setattr(pack, name, size)
        seal(path, kind_of=kind_of_step)
    return path


def test_the_hashes_and_rules_are_new_and_all_else_is_as_it_was(cassette, tmp_path):
    target, keys = tmp_path / "new.avcr", new_keys(cassette)
    rewrite(cassette, target, keys)
    before, after = load_run(cassette), load_run(target)
    assert plain(after) == plain(before)
    assert after.info.rules == "9"
    assert [part.data for part in after.world if part.kind == RULES_KIND] == [keys.declared]
    for number, hashes in keys.hashes.items():
        one = after.exchanges.numbered(number)
        assert (one.fingerprint, one.raw_hash) == hashes
    found = verify(target, quiet)
    assert (found.problems, found.state) == ((), verify(cassette, quiet).state)


def test_to_and_fro_gives_the_very_same_bytes(cassette, tmp_path):
    run = load_run(cassette)
    keys = run.exchanges.list_keys()
    own = NewKeys(
        rules=run.info.rules,
        declared=b"",
        hashes={one.number: (one.fingerprint, one.raw_hash) for one in keys},
    )
    there, back = tmp_path / "there.avcr", tmp_path / "back.avcr"
    rewrite(cassette, there, new_keys(cassette))
    rewrite(there, back, own)
    assert there.read_bytes() != back.read_bytes()
    if cassette.read_bytes() == (GOLDEN / "v1-sealed.avcr").read_bytes():
        assert plain(load_run(back)) == plain(run)  # fields that came later are written too
    elif cassette.read_bytes().startswith(fmt.SEALED):
        assert back.read_bytes() == cassette.read_bytes()
    else:
        assert read_all(back) == read_all(cassette)


def read_all(path):
    """Give the records of a journal, with the number of the frame in which each stands."""
    file, _ = open_cassette(path)
    with file:
        reader = JournalReader(file)
        return [(reader.frames, record) for record in reader]


def test_frames_without_hashes_and_story_are_copied_as_they_are(tmp_path, monkeypatch):
    for name, size in (("GROUP", 1500), ("ONE_FRAME", 0), ("BLOCK", 5)):
        monkeypatch.setattr(pack, name, size)
    path, target = tmp_path / "x.avcr", tmp_path / "new.avcr"
    write_journal(path, sample(4))
    seal(path, kind_of=kind_of_step)
    rewrite(path, target, new_keys(path))
    kept = {fmt.Blobs, fmt.Rows, fmt.Keys}
    before, after = (
        [data for kinds, data in frames(one) if kinds <= kept] for one in (path, target)
    )
    assert before == after
    assert len(before) > 5
    with SealedFile(target) as sealed:
        assert len(sealed.directory.keys) > 1


def test_rules_that_were_there_are_replaced_or_taken_out(tmp_path):
    path = tmp_path / "x.avcr"
    write_journal(path, sample(1))
    seal(path)
    for number, declared in enumerate((b"{}", b'{"ids":["u-"]}', b"")):
        target = tmp_path / f"{number}.avcr"
        rewrite(path, target, new_keys(path, declared=declared))
        found = [part.data for part in load_run(target).world if part.kind == RULES_KIND]
        assert found == ([declared] if declared else [])
        path = target


def test_a_torn_end_of_a_journal_is_cut(tmp_path):
    path, target = tmp_path / "x.avcr", tmp_path / "new.avcr"
    write_journal(path, sample(2), each=True)
    path.write_bytes(path.read_bytes()[:-3])
    rewrite(path, target, new_keys(path))
    assert load_run(path).torn_bytes > 0
    assert load_run(target).torn_bytes == 0
    assert plain(load_run(target))[1] == plain(load_run(path))[1]


def test_a_request_that_was_cut_off_in_a_journal_stays_one(tmp_path):
    path, target = tmp_path / "x.avcr", tmp_path / "new.avcr"
    journal = Journal(path)
    journal.add(fmt.RunBegin("run", 1, (), ".", "0", "p", "1", {}))
    mark = b"8 bytes."
    begin = fmt.ExchangeBegin(
        1,
        0,
        "main",
        "c",
        1,
        "GET",
        "http://a/",
        (),
        mark,
        mark,
        internal=False,
        served_from=None,
        body_size=9,
    )
    journal.add(begin)
    journal.close()
    rewrite(path, target, new_keys(path))
    assert [record for _, record in read_all(target) if record == begin] == [begin]
