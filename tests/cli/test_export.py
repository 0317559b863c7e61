"""`agentvcr export` as a user runs it."""

import json
import os
import pathlib
import subprocess
import sys

import httpx
import pytest
import vcr

from agentvcr.cassette.seal import seal
from agentvcr.model.events import RunEndEvent, RunEvent, StepEvent
from agentvcr.session.conversion import import_cassettes
from tests.support.command_line import agentvcr
from tests.support.vcr_yaml import WEATHER, interaction, write
from tests.unit.build import exchange, request, response, run
from tests.unit.recorded import write_journal

FORMS = ["yaml", "jsonl"]
STATUS = pathlib.Path("/proc/self/status")


@pytest.fixture(autouse=True)
def _own_key(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def here(tmp_path):
    """A folder with a sealed cassette of two exchanges."""
    folder = tmp_path / "here"
    folder.mkdir()
    write(
        folder / "x.yaml",
        interaction({"sky": "grå"}, asked={"city": "Oslo"}),
        interaction("two"),
    )
    import_cassettes([folder / "x.yaml"])
    (folder / "x.yaml").unlink()
    return folder


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def replayed(path):
    with vcr.use_cassette(str(path), record_mode="none"), httpx.Client() as client:
        first = client.post(WEATHER, json={"city": "Oslo"}).json()
        return first, client.get(WEATHER).text


@pytest.mark.parametrize("to_file", [True, False])
def test_yaml_is_a_cassette_that_stock_vcrpy_replays(here, to_file):
    words = ["-o", "y.yaml"] if to_file else []
    done = agentvcr("export", "x.avcr", "--to", "yaml", *words, cwd=here)
    assert done.returncode == 0
    assert done.stderr.decode().splitlines()[0] == "agentvcr: exported 2 of 2 exchanges"
    if not to_file:
        (here / "y.yaml").write_bytes(done.stdout)
    assert replayed(here / "y.yaml") == ({"sky": "grå"}, "two")


@pytest.mark.parametrize("to_file", [True, False])
def test_jsonl_is_a_line_an_event_in_utf_8_under_any_locale(here, to_file):
    words = ["-o", "y.jsonl"] if to_file else []
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = agentvcr("export", "x.avcr", "--to", "jsonl", *words, cwd=here, env=env)
    assert (done.returncode, done.stderr) == (0, b"agentvcr: exported 2 of 2 exchanges\n")
    text = (here / "y.jsonl").read_bytes() if to_file else done.stdout
    first, *steps, last = [json.loads(line) for line in text.decode().splitlines()]
    for kind, event in ((RunEvent, first), (StepEvent, steps[0]), (RunEndEvent, last)):
        assert list(event) == list(kind.__struct_fields__)
    assert [one["step"] for one in steps] == ["tool[0]", "tool[1]"]
    assert steps[0]["inputs"]["body"]["value"] == {"city": "Oslo"}


def test_what_yaml_cannot_say_is_left_out_and_named(here):
    asked = request(url=WEATHER, method="GET")
    internal = exchange(asked, response("i"), internal=True)
    in_flight = exchange(asked, None, kind=None)
    write_journal(here / "j.avcr", run(*[internal] * 7, in_flight, exchange(asked, response("ok"))))
    done = agentvcr("export", "j.avcr", "--to", "yaml", cwd=here)
    assert done.returncode == 0
    first, second, third, *_ = done.stderr.decode().splitlines()
    assert first == "agentvcr: exported 1 of 9 exchanges"
    assert second.startswith("agentvcr: left out exchanges 1, 2, 3, 4, 5 and 2 more: its peer")
    assert third == "agentvcr: left out exchange 8: it was in flight when the recording ended"


@pytest.mark.parametrize("form", FORMS)
def test_a_journal_is_exported_as_a_sealed_file_is(here, form):
    one = run(exchange(request("a", url=WEATHER), response("b")))
    write_journal(here / "j.avcr", one)
    text = agentvcr("export", "j.avcr", "--to", form, cwd=here).stdout
    (here / "j.avcr").unlink()
    write_journal(here / "j.avcr", one)
    seal(here / "j.avcr")
    assert agentvcr("export", "j.avcr", "--to", form, cwd=here).stdout == text


@pytest.mark.parametrize(
    ("words", "status", "slug"),
    [
        (["missing.avcr", "--to", "yaml"], 3, "cassette-missing"),
        (["plain.txt", "--to", "jsonl"], 3, "cassette-foreign"),
        (["x.avcr", "--to", "yaml", "-o", "plain.txt"], 2, "target-exists"),
        (["x.avcr", "--to", "yaml", "-o", "./x.avcr"], 2, "bad-option"),
        (["x.avcr", "--to", "yaml", "-o", "x.avcr", "--force"], 2, "bad-option"),
        (["x.avcr", "--to", "yaml", "-o", "plain.txt/y"], 2, "target-unwritable"),
        (["x.avcr", "--to", "yaml", "-o", "."], 2, "target-unwritable"),
        (["bad.avcr", "--to", "jsonl", "-o", "plain.txt", "--force"], 3, "cassette-damaged"),
    ],
)
def test_bad_input_is_refused_in_a_line_and_leaves_nothing(here, words, status, slug):
    (here / "plain.txt").write_text("some text that is no cassette\n")
    data = bytearray((here / "x.avcr").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (here / "bad.avcr").write_bytes(data)
    before = {path: path.read_bytes() for path in here.iterdir()}

    done = agentvcr("export", *words, cwd=here)

    assert (done.returncode, done.stdout) == (status, b"")
    assert done.stderr.decode().splitlines()[0].endswith(f"[{slug}]")
    assert {path: path.read_bytes() for path in here.iterdir()} == before


@pytest.mark.parametrize("words", [["x.avcr"], ["x.avcr", "--to", "har"], ["--to", "yaml"]])
def test_an_unknown_form_or_none_is_a_usage_error(here, words):
    done = agentvcr("export", *words, cwd=here)
    assert (done.returncode, done.stdout) == (2, b"")


def test_an_existing_file_is_written_over_only_by_force(here):
    (here / "y.yaml").write_text("kept")
    assert agentvcr("export", "x.avcr", "--to", "yaml", "-o", "y.yaml", cwd=here).returncode == 2
    assert (here / "y.yaml").read_text() == "kept"
    forced = agentvcr("export", "x.avcr", "--to", "yaml", "-o", "y.yaml", "--force", cwd=here)
    assert forced.returncode == 0
    assert replayed(here / "y.yaml")[1] == "two"
    assert files(here) == ["x.avcr", "y.yaml"]


@pytest.mark.parametrize("form", FORMS)
def test_a_reader_that_goes_away_is_no_traceback(here, form):
    one = exchange(request("a", url=WEATHER), response("b" * 10_000))
    write_journal(here / "j.avcr", run(*[one] * 200))
    with subprocess.Popen(
        [sys.executable, "-m", "agentvcr", "export", "j.avcr", "--to", form],
        cwd=here,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.read(10)
        running.stdout.close()
        said = running.stderr.read()
        assert running.wait(60) == 1
    assert said == b""


@pytest.mark.skipif(not STATUS.exists(), reason="no /proc on this system")
def test_a_sealed_file_is_exported_without_holding_it_in_memory(here):
    bodies = [os.urandom(1_000_000).hex() for _ in range(60)]
    asked = [request(body, url=WEATHER) for body in bodies]
    write_journal(here / "j.avcr", run(*[exchange(one, response("ok")) for one in asked]))
    seal(here / "j.avcr")
    code = (
        "import runpy, sys; sys.argv[1:] = ['export', 'j.avcr', '--to', 'jsonl']\n"
        "try: runpy.run_module('agentvcr', run_name='__main__')\n"
        "except SystemExit: pass\n"
        f"sys.stderr.write(open('{STATUS}').read().split('VmHWM:')[1].split()[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, check=True)
    assert done.stdout.count(b"\n") == 62
    assert len(done.stdout) > 120_000_000
    assert int(done.stderr.split()[-1]) < 115_000, "kB at the peak"
