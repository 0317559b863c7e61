"""`agentvcr import` as a user runs it."""

import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.interop.vcrpy_yaml import read_cassette
from tests.support.command_line import agentvcr
from tests.support.vcr_yaml import interaction, write, write_websocket

KEY = "sk-proj-abcdefghijklmnop0123456789"


@pytest.fixture(autouse=True)
def _own_key(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def refused(done, status, slug):
    assert (done.returncode, done.stdout) == (status, b"")
    first, *rest = done.stderr.decode().splitlines()
    assert first.startswith("agentvcr: ")
    assert first.endswith(f"[{slug}]")
    assert len(rest) == 2


def test_one_file_becomes_a_cassette_beside_it_that_show_reads(here):
    write(here / "x.yaml", interaction("a"), interaction("b"))
    done = agentvcr("import", "x.yaml", cwd=here)
    assert (done.returncode, done.stderr) == (0, b"")
    first, second = done.stdout.decode().splitlines()
    assert first.startswith("1 file imported: 2 exchanges, ")
    assert second.startswith("  x.yaml → x.avcr  2 exchanges, ")
    shown = agentvcr("show", "x.avcr", cwd=here)
    assert shown.returncode == 0
    assert shown.stdout.count(b"GET tools.example/weather") == 2
    assert files(here) == ["x.avcr", "x.yaml"]


def test_a_gzipped_file_loses_both_endings(here):
    write(here / "x.yaml")
    (here / "y.yaml.gz").write_bytes(gzip.compress((here / "x.yaml").read_bytes()))
    assert agentvcr("import", "y.yaml.gz", cwd=here).returncode == 0
    assert files(here) == ["x.yaml", "y.avcr", "y.yaml.gz"]


@pytest.mark.parametrize(("out", "made"), [("y.avcr", "y.avcr"), ("new/", "new/x.avcr")])
def test_o_is_the_file_or_with_a_slash_the_folder(here, out, made):
    write(here / "x.yaml")
    assert agentvcr("import", "x.yaml", "-o", out, cwd=here).returncode == 0
    assert files(here) == sorted([made, "x.yaml"])


def test_a_tree_is_imported_and_what_is_refused_makes_status_1(here):
    for number in range(12):
        write(here / f"in/{number}/x.yaml")
    assert agentvcr("import", "in", "-o", "out", cwd=here).returncode == 0
    assert len(files(here / "out")) == 12
    shutil.rmtree(here / "out")

    write_websocket(here / "in/ws.yaml")
    done = agentvcr("import", "in", "-o", "out", cwd=here)
    assert (done.returncode, done.stderr) == (1, b"")
    assert len(files(here / "out")) == 12
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("12 of 13 files imported: 12 exchanges, ")
    assert lines[1:] == [
        "refused: in/ws.yaml",
        "  ws.yaml cannot be imported: it holds WebSocket frames [cassette-foreign]",
    ]


@pytest.mark.parametrize(
    ("words", "status", "slug"),
    [
        (["missing.yaml"], 3, "cassette-missing"),
        (["ws.yaml"], 3, "cassette-foreign"),
        (["x.avcr"], 3, "cassette-foreign"),
        (["plain.txt"], 3, "cassette-foreign"),
        (["empty.yaml"], 3, "cassette-foreign"),
        (["bare"], 3, "cassette-missing"),
        (["pipe"], 3, "cassette-foreign"),
        (["x.yaml"], 2, "target-exists"),
        (["x.yaml", "-o", "plain.txt"], 2, "target-exists"),
        (["x.yaml", "-o", "plain.txt/y.avcr"], 2, "target-unwritable"),
        (["x.yaml", "-o", "pipe", "--force"], 2, "target-unwritable"),
        (["x.yaml", "-o", "x.yaml", "--force"], 2, "bad-option"),
        (["x.yaml", "ws.yaml", "-o", "plain.txt"], 2, "target-unwritable"),
    ],
)
def test_bad_input_is_refused_in_three_lines_and_leaves_nothing(here, words, status, slug):
    write(here / "x.yaml")
    agentvcr("import", "x.yaml", cwd=here)
    write_websocket(here / "ws.yaml")
    (here / "plain.txt").write_text("some text that is no cassette\n")
    (here / "empty.yaml").touch()
    (here / "bare").mkdir()
    os.mkfifo(here / "pipe")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}

    refused(agentvcr("import", *words, cwd=here), status, slug)

    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before
    assert (here / "pipe").is_fifo()


def test_several_files_go_on_past_one_that_is_refused(here):
    write(here / "x.yaml")
    write_websocket(here / "ws.yaml")
    done = agentvcr("import", "missing.yaml", "ws.yaml", "x.yaml", cwd=here)
    assert done.returncode == 1
    assert done.stdout.decode().startswith("1 of 3 files imported: 1 exchange, ")
    assert "[cassette-missing]" in done.stdout.decode()
    assert (here / "x.avcr").exists()


def test_without_a_file_it_is_a_usage_error(here):
    assert agentvcr("import", cwd=here).returncode == 2


def test_an_existing_cassette_is_written_over_only_by_force(here):
    write(here / "x.yaml")
    (here / "x.avcr").write_text("kept")
    refused(agentvcr("import", "x.yaml", cwd=here), 2, "target-exists")
    assert (here / "x.avcr").read_text() == "kept"
    assert agentvcr("import", "x.yaml", "--force", cwd=here).returncode == 0
    assert len(load_run(here / "x.avcr").exchanges) == 1


def test_json_tells_every_file(here):
    write(here / "in/a.yaml", interaction("a"))
    write_websocket(here / "in/b.yaml")
    done = agentvcr("import", "in", "--json", cwd=here)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["schema"], told["totals"]["imported"]) == ("agentvcr.import/1", 1)
    first, second = told["files"]
    assert (first["source"], first["target"]) == ("in/a.yaml", "in/a.avcr")
    assert (first["flavour"], first["exchanges"], first["error"]) == ("vcrpy-v1", 1, None)
    assert first["bytes_before"] == (here / "in/a.yaml").stat().st_size
    assert first["bytes_after"] == (here / "in/a.avcr").stat().st_size
    assert (second["slug"], second["bytes_after"]) == ("cassette-foreign", 0)


def test_names_that_are_no_unicode_are_told_as_escapes(here):
    write(here / os.fsdecode(b"in/a\xe9.yaml"))
    write_websocket(here / os.fsdecode(b"in/b\xe9.yaml"))
    for words in ([], ["--json", "--force"]):
        done = agentvcr("import", "in", *words, cwd=here)
        assert (done.returncode, done.stderr) == (1, b"")
        assert b"a\\xe9.yaml" in done.stdout.replace(b"\\\\", b"\\")
    assert (here / os.fsdecode(b"in/a\xe9.avcr")).exists()


def test_importing_twice_gives_the_same_bytes_and_another_key_other_placeholders(here, tmp_path):
    write(here / "x.yaml", interaction(request_headers={"Authorization": f"Bearer {KEY}"}))
    other = {"XDG_STATE_HOME": str(tmp_path / "other"), "TZ": "Asia/Tokyo", "LANG": "C"}
    for out, env in (("1.avcr", {}), ("2.avcr", {"HTTP_TOKEN": "a" * 20}), ("3.avcr", other)):
        assert agentvcr("import", "x.yaml", "-o", out, cwd=here, env=env).returncode == 0
    first, second, third = (here.joinpath(f"{n}.avcr").read_bytes() for n in (1, 2, 3))
    assert first == second
    assert first != third


def test_no_secret_of_the_file_reaches_the_cassette_nor_any_export(here):
    write(
        here / "x.yaml",
        interaction(
            {"you_sent": KEY},
            asked={"api_key": "hunter-two", "q": "Oslo"},
            request_headers={"Authorization": f"Bearer {KEY}", "content-type": "application/json"},
            response_headers={"Set-Cookie": "session=abcdef0123456789; Path=/"},
        ),
    )
    done = agentvcr("import", "x.yaml", cwd=here)
    assert "3 credentials replaced by placeholders" in done.stdout.decode()
    told = [repr(list(load_run(here / "x.avcr").exchanges)).encode()]
    told += [
        agentvcr("export", "x.avcr", "--to", form, cwd=here).stdout for form in ("yaml", "jsonl")
    ]
    for one in [done.stdout, (here / "x.avcr").read_bytes(), *told]:
        for secret in (KEY, "hunter-two", "abcdef0123456789"):
            assert secret.encode() not in one
    for one in told:
        assert b"redacted-" in one
        assert b"Oslo" in one


def test_an_import_that_is_interrupted_leaves_no_half_file(here):
    for number in range(300):
        write(here / f"in/{number:03}.yaml", *[interaction("x" * 2000)] * 20)
    with subprocess.Popen(
        [sys.executable, "-m", "agentvcr", "import", "in", "-o", "out"],
        cwd=here,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(here.glob("out/*.avcr"))) < 3:
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        assert running.wait(60) != 0
    made = files(here / "out")
    assert 3 <= len(made) < 300
    for name in made:
        assert name.endswith(".avcr")
        assert len(load_run(here / "out" / name).exchanges) == 20


PROGRAM = """
import httpx
for city in ("Oslo", "Bergen"):
    print(httpx.post("https://tools.example/weather", json={"city": city}).json()["sky"])
"""


def test_a_program_is_answered_from_an_import_with_the_network_off(here):
    (here / "p.py").write_text(PROGRAM)
    write(
        here / "x.yaml",
        interaction({"sky": "grey"}, asked={"city": "Oslo"}),
        interaction({"sky": "blue"}, asked={"city": "Bergen"}),
    )
    agentvcr("import", "x.yaml", cwd=here)
    words = ["replay", "x.avcr", "--report", "r.json", "--", sys.executable, "p.py"]
    done = agentvcr(*words, cwd=here)
    assert done.stdout == b"grey\nblue\n", done.stderr.decode()
    assert done.returncode == 0
    told = json.loads((here / "r.json").read_bytes())
    assert (told["divergence"], told["unused"], told["exchanges"]) == (None, [], 2)
    assert told["diff"]["counts"]["same"] == 2
    refused(agentvcr("replay", "x.avcr", cwd=here), 2, "no-command")


# --- real cassettes -------------------------------------------------------------------------------


def imported_of(row, folder):
    """Give what was read of a file, and what its cassette tells."""
    foreign = read_cassette(pathlib.Path(row["source"]))
    return zip(foreign.interactions, load_run(folder / row["target"]).exchanges, strict=True)


def test_every_real_cassette_is_imported_and_differs_only_by_what_is_redacted(corpora, here):
    began = time.monotonic()
    done = agentvcr("import", corpora, "-o", "out", "--json", cwd=here)
    assert time.monotonic() - began < 60
    assert (done.returncode, done.stderr) == (1, b"")
    told = json.loads(done.stdout)
    totals = told["totals"]
    assert [totals[name] for name in ("imported", "refused", "exchanges")] == [578, 3, 1970]
    assert totals["bytes_after"] < totals["bytes_before"] / 3
    assert {one["slug"] for one in told["files"]} == {None, "cassette-foreign"}
    assert len(files(here / "out")) == 578

    altered = {"url": 0, "request": 0, "response": 0}
    for row in (one for one in told["files"] if one["error"] is None):
        for given, kept in imported_of(row, here):
            asked, answered = given.request, given.response
            assert (kept.request.method, kept.response.status) == (asked.method, answered.status)
            for name, before, after in (
                ("url", asked.url.encode(), kept.request.url.encode()),
                ("request", asked.body, kept.request.body),
                ("response", answered.body, kept.response.body),
            ):
                if before != after:
                    altered[name] += 1
                    assert b"redacted-" in after
    # Of 3,940 bodies all but 12 are byte for byte the same; those 12 hold a project's api_key.
    assert altered == {"url": 0, "request": 12, "response": 0}
