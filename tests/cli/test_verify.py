"""`agentvcr verify` as a user runs it."""

import json
import os
import sys

import pytest

from agentvcr.cassette import format as fmt
from agentvcr.cassette.reader import load_run
from agentvcr.cassette.seal import seal
from tests.support.command_line import agentvcr, files, lines, refused
from tests.unit.build import CHAT, exchange, request, response, run
from tests.unit.cassette.damaged import sample, told_by
from tests.unit.recorded import write_journal


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "x.avcr"
    write_journal(path, sample(2))
    seal(path)
    return path


@pytest.fixture
def torn(tmp_path):
    path = tmp_path / "torn.avcr"
    write_journal(path, sample(2), each=True)
    path.write_bytes(path.read_bytes()[:-3])
    return path


@pytest.fixture
def damaged(tmp_path):
    """A journal with a byte changed in its last exchange."""
    path = tmp_path / "damaged.avcr"
    write_journal(path, sample(2), each=True)
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    path.write_bytes(data)
    return path


@pytest.fixture
def without_index(sealed):
    """A sealed file whose trailer is wrong."""
    data = bytearray(sealed.read_bytes())
    data[-10] ^= 1
    sealed.write_bytes(data)
    return sealed


def test_a_whole_file_is_said_to_be_whole(sealed, tmp_path):
    done = agentvcr("verify", "x.avcr", cwd=tmp_path)
    assert done.returncode == 0
    first, second = lines(done)
    assert first.startswith("x.avcr: sealed, whole, ")
    assert second == "  1 frame, 7 exchanges, 6 pieces, 1 in flight"
    assert done.stderr == b""


def test_a_whole_journal_is_one_too(tmp_path):
    write_journal(tmp_path / "x.avcr", run(ended=False))
    done = agentvcr("verify", "x.avcr", cwd=tmp_path)
    assert done.returncode == 0
    assert lines(done)[0].startswith("x.avcr: journal, whole, ")
    assert lines(done)[1] == "  1 frame, 0 exchanges; it does not say how the run ended"


def test_a_torn_journal_exits_with_1_and_says_where_and_what_to_do(torn, tmp_path):
    done = agentvcr("verify", "torn.avcr", cwd=tmp_path)
    assert done.returncode == 1
    first, *_, last = lines(done)
    assert first.startswith("torn.avcr: journal torn at byte ")
    assert last == "  to save what can be saved: agentvcr verify torn.avcr --repair"


def test_a_damaged_file_exits_with_3_and_says_where(damaged, without_index, tmp_path):
    done = agentvcr("verify", "damaged.avcr", cwd=tmp_path)
    assert done.returncode == 3
    assert lines(done)[0].startswith("damaged.avcr: DAMAGED, ")
    assert "checksum is wrong" in lines(done)[2]
    done = agentvcr("verify", "x.avcr", cwd=tmp_path)
    assert done.returncode == 3
    assert "the checksum of its end is wrong" in lines(done)[2]


FIELDS = [
    "schema",
    "path",
    "size",
    "state",
    "has_end",
    "frames",
    "exchanges",
    "in_flight",
    "pieces",
    "problems",
    "repair",
]


@pytest.mark.parametrize("name", ["sealed", "torn", "damaged", "without_index"])
def test_json_says_the_same(request, name, tmp_path):
    path = request.getfixturevalue(name)
    done = agentvcr("verify", "--json", path.name, cwd=tmp_path)
    said = json.loads(done.stdout)
    assert list(said) == FIELDS
    assert (said["schema"], said["path"]) == ("agentvcr.verify/1", path.name)
    assert said["size"] == path.stat().st_size
    expected = {"sealed": ("sealed", 0), "torn": ("torn journal", 1)}
    assert (said["state"], done.returncode) == expected.get(name, ("damaged", 3))
    assert bool(said["problems"]) == (name != "sealed")
    assert all(list(one) == ["where", "what"] for one in said["problems"])
    assert said["repair"] is None


def test_a_repair_keeps_the_file_as_it_was_beside_it(without_index, tmp_path):
    before = without_index.read_bytes()
    done = agentvcr("verify", "x.avcr", "--repair", cwd=tmp_path)
    assert done.returncode == 0
    assert lines(done)[-2:] == [
        "  saved 7 exchanges in x.avcr",
        "  the file as it was: x.avcr.orig",
    ]
    assert (tmp_path / "x.avcr.orig").read_bytes() == before
    assert set(files(tmp_path)) == {"x.avcr", "x.avcr.orig"}
    assert agentvcr("verify", "x.avcr", cwd=tmp_path).returncode == 0
    assert told_by(without_index).exchanges == sample(2).exchanges
    assert agentvcr("show", "x.avcr", cwd=tmp_path).returncode == 0


def test_a_repair_elsewhere_leaves_the_file_where_it_is(torn, tmp_path):
    before = torn.read_bytes()
    done = agentvcr("verify", "torn.avcr", "--repair", "-o", "new.avcr", "--json", cwd=tmp_path)
    assert done.returncode == 0
    repair = {"path": "new.avcr", "original": None, "exchanges": 7, "lost": []}
    repair |= {"lost_bytes": 0}
    assert json.loads(done.stdout)["repair"] == repair
    assert torn.read_bytes() == before
    assert set(files(tmp_path)) == {"torn.avcr", "new.avcr"}
    assert told_by(tmp_path / "new.avcr").exchanges == sample(2).exchanges


def test_a_repair_that_lost_something_exits_with_1_and_names_it(tmp_path):
    noise = os.urandom(1_500_000)
    path = tmp_path / "x.avcr"
    parts = [exchange(request(noise[at:], url=f"{CHAT}/{at}"), response("a")) for at in (0, 3)]
    write_journal(path, run(*parts, exchange(request("b"), response("c"))))
    seal(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    done = agentvcr("verify", "--repair", "x.avcr", cwd=tmp_path)
    assert done.returncode == 1
    assert any(line.startswith("  lost: exchanges ") for line in lines(done))
    assert [one.request.body for one in load_run(path).exchanges][-1] == b"b"


@pytest.mark.parametrize("words", [["-o", "there.avcr"], []])
def test_a_file_in_the_way_stays_unless_forced(without_index, tmp_path, words):
    for name in ("there.avcr", "x.avcr.orig"):
        (tmp_path / name).write_bytes(b"precious")
    before = files(tmp_path)
    refused(agentvcr("verify", "x.avcr", "--repair", *words, cwd=tmp_path), 2, "target-exists")
    assert files(tmp_path) == before
    forced = agentvcr("verify", "x.avcr", "--repair", "--force", *words, cwd=tmp_path)
    assert forced.returncode == 0, forced.stderr
    written = tmp_path / ("there.avcr" if words else "x.avcr")
    assert told_by(written).exchanges == sample(2).exchanges
    assert set(files(tmp_path)) == set(before)


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (None, "cassette-missing"),
        (b"", "cassette-empty"),
        (b"interactions:\n- request:\n", "cassette-foreign"),
        (fmt.SEALED[:-1] + b"\x63", "cassette-version"),
    ],
)
@pytest.mark.parametrize("words", [[], ["--repair"], ["--repair", "-o", "new.avcr"]])
def test_what_is_no_cassette_is_refused_and_left(tmp_path, content, slug, words):
    if content is not None:
        (tmp_path / "x.avcr").write_bytes(content)
    before = files(tmp_path)
    refused(agentvcr("verify", "x.avcr", *words, cwd=tmp_path), 3, slug)
    assert files(tmp_path) == before


def test_a_journal_of_nothing_is_damaged_and_cannot_be_repaired(tmp_path):
    (tmp_path / "x.avcr").write_bytes(fmt.JOURNAL)
    done = agentvcr("verify", "x.avcr", cwd=tmp_path)
    assert done.returncode == 3
    assert "it holds no run" in lines(done)[2]
    refused(agentvcr("verify", "--repair", "x.avcr", cwd=tmp_path), 3, "cassette-empty")
    assert set(files(tmp_path)) == {"x.avcr"}


@pytest.mark.parametrize("target", ["missing/new.avcr", "folder", "plain/new.avcr"])
def test_a_place_that_cannot_be_written_is_refused_in_a_line(torn, tmp_path, target):
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").touch()
    before = torn.read_bytes()
    done = agentvcr("verify", "torn.avcr", "--repair", "--force", "-o", target, cwd=tmp_path)
    if done.returncode:
        refused(done, 2, "target-unwritable")
    else:
        assert (tmp_path / target).is_file()
    assert torn.read_bytes() == before


@pytest.mark.parametrize("words", [["-o", "y.avcr"], ["--force"]])
def test_where_to_write_is_asked_of_a_repair_alone(sealed, tmp_path, words):
    refused(agentvcr("verify", "x.avcr", *words, cwd=tmp_path), 2, "bad-option")
    assert set(files(tmp_path)) == {"x.avcr"}


def test_the_newest_cassette_is_meant_when_none_is_named(tmp_path):
    folder = tmp_path / "cassettes"
    for second, name in enumerate(("old", "new", "new.last")):
        write_journal(folder / f"{name}.avcr", sample(1))
        os.utime(folder / f"{name}.avcr", (second, second))
    done = agentvcr("verify", cwd=tmp_path)
    assert lines(done)[0].startswith(f"{os.path.join('cassettes', 'new.avcr')}: ")  # noqa: PTH118 - as it is shown


def test_a_repaired_file_replays(tmp_path):
    hello = [sys.executable, "-c", "print('hello')"]
    agentvcr("record", "-o", "x.avcr", "--", *hello, cwd=tmp_path)
    data = (tmp_path / "x.avcr").read_bytes()
    (tmp_path / "x.avcr").write_bytes(data[:-5])
    assert agentvcr("replay", "x.avcr", cwd=tmp_path).returncode == 3
    repaired = agentvcr("verify", "x.avcr", "--repair", cwd=tmp_path)
    assert repaired.returncode == 0, repaired.stderr
    replayed = agentvcr("replay", "x.avcr", cwd=tmp_path)
    assert (replayed.returncode, replayed.stdout) == (0, b"hello\n"), replayed.stderr


def test_several_are_verified_each_and_the_worst_decides(sealed, torn, damaged, tmp_path):
    fine = agentvcr("verify", "x.avcr", "x.avcr", cwd=tmp_path)
    assert (fine.returncode, len(lines(fine))) == (0, 4)
    done = agentvcr("verify", "torn.avcr", "x.avcr", cwd=tmp_path)
    assert done.returncode == 1
    assert lines(done)[-2].startswith("x.avcr: sealed, whole")
    (tmp_path / "foreign.avcr").write_bytes(b"interactions:\n- request:\n")
    done = agentvcr("verify", "foreign.avcr", "torn.avcr", "x.avcr", cwd=tmp_path)
    assert done.returncode == 3
    assert lines(done)[0].startswith("torn.avcr: journal torn")
    assert lines(done)[-1] == "foreign.avcr is not a cassette [cassette-foreign]"
    assert agentvcr("verify", "x.avcr", "damaged.avcr", cwd=tmp_path).returncode == 3


def test_several_are_one_object_in_json(sealed, torn, tmp_path):
    done = agentvcr("verify", "--json", "x.avcr", "no.avcr", "torn.avcr", cwd=tmp_path)
    said = json.loads(done.stdout)
    assert (said["schema"], done.returncode) == ("agentvcr.verify-files/1", 3)
    assert [list(one) for one in said["files"]] == [FIELDS, FIELDS]
    assert [one["path"] for one in said["files"]] == ["x.avcr", "torn.avcr"]
    (refusal,) = said["refused"]
    assert (refusal["path"], refusal["slug"]) == ("no.avcr", "cassette-missing")


def test_a_repair_is_of_one(torn, tmp_path):
    before = files(tmp_path)
    refused(agentvcr("verify", "torn.avcr", "torn.avcr", "--repair", cwd=tmp_path), 2, "bad-option")
    assert files(tmp_path) == before
