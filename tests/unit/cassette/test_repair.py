"""What a repair saves is what was written, and what it loses it says."""

import random

import pytest

from agentvcr.cassette import format as fmt
from agentvcr.cassette import frame_writer, pack
from agentvcr.cassette.checking import verify
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from agentvcr.cassette.sealed import SealedFile
from agentvcr.errors import AgentVCRError, CassetteBusyError, CassetteEmptyError
from agentvcr.session.verification import ORIGINAL, repair_cassette
from tests.programs.damage import small_groups
from tests.unit.build import exchange, request, response, run
from tests.unit.cassette.damaged import identified, quiet, sample, told_by
from tests.unit.recorded import records_of, write_journal


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A sealed file of several groups of each kind."""
    for name in ("GROUP", "ONE_FRAME", "BLOCK"):
        monkeypatch.setattr(pack, name, getattr(pack, name))
    small_groups()
    path = tmp_path / "a.avcr"
    write_journal(path, sample(9))
    seal(path)
    return path


def directory_of(path):
    with SealedFile(path) as sealed:
        return sealed.directory, sealed.frames.last_offset


def break_at(path, offset):
    data = bytearray(path.read_bytes())
    data[offset + fmt.FRAME.size + 5] ^= 1
    path.write_bytes(data)


def repaired(path):
    done = repair_cassette(path, progress=quiet)
    assert done.state == "damaged"
    assert verify(path, quiet).problems == ()
    assert verify(path, quiet).state == "sealed"
    return done.repair, told_by(path)


INDEX = ["keys_offset", "fingerprints_offset", "raw_hashes_offset"]


@pytest.mark.parametrize("block", [0, 1, -1])
@pytest.mark.parametrize("column", INDEX)
def test_without_a_part_of_its_index_all_is_saved_and_hashes_are_as_they_were(
    groups, block, column
):
    before = told_by(groups)
    break_at(groups, getattr(directory_of(groups)[0].keys[block], column))
    repair, after = repaired(groups)
    assert repair.lost == ()
    assert after.exchanges == before.exchanges
    assert (after.info, after.outputs) == (before.info, before.outputs)
    assert (repair.lost_bytes, after.notes) == (0, before.notes)


@pytest.mark.parametrize("part", ["directory", "trailer", "no trailer", "both"])
def test_without_its_directory_or_its_end_all_is_saved(groups, part):
    before, data = told_by(groups), bytearray(groups.read_bytes())
    last = directory_of(groups)[1]
    if part in ("directory", "both"):
        data[last + 20] ^= 1
    if part in ("trailer", "both"):
        data[-15] ^= 1
    if part == "no trailer":
        del data[-fmt.TRAILER.size :]
    groups.write_bytes(data)
    repair, after = repaired(groups)
    assert repair.lost == ()
    assert after.exchanges == before.exchanges


@pytest.mark.parametrize("kind", ["rows", "blobs"])
def test_what_is_lost_with_a_group_is_said_and_nothing_else_is(groups, kind):
    before = told_by(groups)
    directory, _ = directory_of(groups)
    break_at(groups, getattr(directory, kind)[1].offset)
    repair, after = repaired(groups)
    assert repair.lost
    saved = {one.number for one in after.exchanges}
    assert saved | set(repair.lost) == {one.number for one in before.exchanges}
    assert not saved & set(repair.lost)
    assert all(before.exchanges.numbered(one.number) == one for one in after.exchanges)
    if kind == "rows":
        assert len(repair.lost) == directory.rows[1].count
    assert str(repair.lost[0]) in after.notes[-1].text


def test_what_is_lost_is_said_without_an_index_too(groups):
    before = told_by(groups)
    directory, last = directory_of(groups)
    break_at(groups, directory.blobs[1].offset)
    break_at(groups, last)
    repair, after = repaired(groups)
    saved = {one.number for one in after.exchanges}
    assert repair.lost
    assert saved | set(repair.lost) == {one.number for one in before.exchanges}
    assert all(before.exchanges.numbered(one.number) == one for one in after.exchanges)


def test_a_header_that_is_gone_costs_its_frame_and_no_other(groups):
    before, data = told_by(groups), bytearray(groups.read_bytes())
    directory, _ = directory_of(groups)
    at = directory.rows[1].offset
    data[at : at + fmt.FRAME.size] = bytes(fmt.FRAME.size)
    groups.write_bytes(data)
    repair, after = repaired(groups)
    assert len(repair.lost) == directory.rows[1].count
    assert len(after.exchanges) == len(before.exchanges) - len(repair.lost)


def test_without_its_story_the_exchanges_are_saved(groups):
    before = told_by(groups)
    for offset in directory_of(groups)[0].story:
        break_at(groups, offset)
    repair, after = repaired(groups)
    assert repair.lost == ()
    assert after.exchanges == before.exchanges
    assert (after.info.argv, after.outputs, after.outcome) == ((), (), None)


NOISE = random.Random(9).randbytes(40_000)
FOREIGN = exchange(request("what another run asked"), response(NOISE))


def holding_another(path):
    """Write a run in which a whole cassette passed as a body, as one that was uploaded."""
    inner = path.with_name("inner.avcr")
    write_journal(inner, run(identified(FOREIGN)))
    seal(inner)
    data = inner.read_bytes()
    inner.unlink()
    headers = ((b"content-type", b"application/octet-stream"),)
    asked = request(data, headers=headers)
    write_journal(path, run(identified(exchange(asked, response(data, headers=headers)))))
    seal(path)
    assert data[len(fmt.SEALED) : -fmt.TRAILER.size] in path.read_bytes()  # else it is no test
    return told_by(path)


@pytest.mark.parametrize("one_frame", [True, False])
def test_a_cassette_inside_a_body_is_never_taken_for_a_part_of_the_run(
    tmp_path, monkeypatch, one_frame
):
    path = tmp_path / "a.avcr"
    for level in ("LEVEL", "SHORT_LEVEL"):  # as what does not compress is stored
        monkeypatch.setattr(frame_writer, level, -100_000)
    if not one_frame:
        monkeypatch.setattr(pack, "ONE_FRAME", 0)
    whole = holding_another(path)
    data = path.read_bytes()
    blobs, start = directory_of(path)[0].blobs[0].offset, data.index(b"AVCRP", 20)
    for offset in (13, 30, blobs + 1, blobs + 2, start - 3, start - 1, start + 8, len(data) - 15):
        changed = bytearray(data)
        changed[offset] ^= 1
        path.write_bytes(changed)
        try:
            repair_cassette(path, tmp_path / "b.avcr", force=True, progress=quiet)
        except AgentVCRError:
            continue
        saved = load_run(tmp_path / "b.avcr").exchanges
        assert [one for one in saved if one != whole.exchanges[0]] == []


def test_a_torn_journal_is_saved_to_its_last_whole_frame(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, sample(2), each=True)
    whole, data = told_by(path), path.read_bytes()
    path.write_bytes(data[:-3])
    done = repair_cassette(path, progress=quiet)
    assert done.state == "torn journal"
    assert done.repair.lost == ()
    after = told_by(path)
    assert (after.exchanges, after.outputs) == (whole.exchanges, whole.outputs)
    assert after.outcome is None
    assert after.notes[-1].kind == "damage"
    assert path.with_name(path.name + ORIGINAL).read_bytes() == data[:-3]


def test_a_journal_that_is_whole_is_sealed_by_a_repair_and_a_sealed_file_left(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, sample(1))
    whole = told_by(path)
    assert repair_cassette(path, progress=quiet).repair.exchanges == len(whole.exchanges)
    assert told_by(path) == whole
    assert repair_cassette(path, progress=quiet).repair is None


def test_where_nothing_is_left_of_a_run_nothing_is_written(tmp_path):
    path = tmp_path / "a.avcr"
    write_journal(path, sample(1))
    data = path.read_bytes()[: len(fmt.JOURNAL) + 20]
    path.write_bytes(data)
    with pytest.raises(CassetteEmptyError):
        repair_cassette(path, progress=quiet)
    assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_being_recorded_is_not_repaired_in_its_place(tmp_path):
    path = tmp_path / "a.avcr"
    journal = Journal(path)
    for record in records_of(sample(1)):
        journal.add(record)
        journal.flush()
    with pytest.raises(CassetteBusyError):
        repair_cassette(path, progress=quiet)
    journal.add(fmt.NoteRecord("live", 0, 0, "after", 1))
    journal.close()
    assert load_run(path).notes[-1].text == "after"
    assert verify(path, quiet).state == "journal"


def test_a_link_to_what_is_repaired_goes_on_pointing_to_it(tmp_path):
    path, link = tmp_path / "there" / "a.avcr", tmp_path / "link.avcr"
    path.parent.mkdir()
    write_journal(path, sample(1))
    link.symlink_to(path)
    whole = told_by(path)
    repair_cassette(link, progress=quiet)
    assert link.is_symlink()
    assert verify(path, quiet).state == "sealed"
    assert told_by(path) == whole
