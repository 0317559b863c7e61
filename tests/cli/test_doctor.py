"""`doctor` names what a program's requests depend on, the right line, and nothing else."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.command_line import PROGRAMS, agentvcr, python, refused
from tests.support.counter_server import CounterServer

PROGRAM = "defects.py"


def here(scene):
    """Give the line of a scene's defect."""
    lines = (PROGRAMS / PROGRAM).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if f"# here: {scene}" in line)


def examined(scene, folder, *words):
    with CounterServer(jitter_ms=(5, 40)) as server:
        env = {"BASE_URL": server.base_url, "TEAM_NAME": "The Night Shift"}
        done = agentvcr("doctor", *words, "--", *python(PROGRAM, scene), cwd=folder, env=env)
        asked = server.count
    return done, asked


@pytest.mark.parametrize(
    ("scene", "cause", "is_certain"),
    [
        ("clock", "clock", True),
        ("day", "clock", True),
        ("duration", "clock", False),
        ("uuid4", "chance", True),
        ("unseeded", "chance", True),
        ("token", "chance", True),
        ("shuffled", "chance", False),
        ("names", "hash-order", False),
        ("address", "address", False),
        ("number_of_object", "address", False),
        ("process", "process-id", False),
        ("environment", "environment", True),
        ("completed", "race", False),
    ],
)
def test_one_defect_is_one_finding_at_its_line(scene, cause, is_certain, tmp_path):
    done, _ = examined(scene, tmp_path, "--json")
    assert done.returncode == 1, done.stderr.decode()
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["cause"], found["is_certain"]) == (cause, is_certain)
    assert here(scene) in [line["line"] for line in found["lines"]]


def test_a_race_between_threads_names_both_and_where_they_asked(tmp_path):
    done, _ = examined("race", tmp_path, "--json")
    (found,) = json.loads(done.stdout)["findings"]
    assert found["cause"] == "race"
    assert len({racer["lane"] for racer in found["racers"]}) > 1
    assert all(racer["request"] for racer in found["racers"])


def test_a_clean_program_has_no_findings_and_its_provider_is_asked_once(tmp_path):
    done, asked = examined("clean", tmp_path, "--json")
    assert done.returncode == 0, done.stdout.decode()
    result = json.loads(done.stdout)
    assert result["schema"] == "agentvcr.doctor/1"
    assert result["findings"] == []
    assert asked == result["exchanges"] == 9
    controls = [one["control"] for one in result["trials"]]
    assert controls == ["nothing", "clock", "chance", "hash-order", "race"]
    assert list(tmp_path.iterdir()) == []


def test_a_person_is_told_the_line_the_texts_and_a_cure_in_80_columns(tmp_path):
    done, _ = examined("clock", tmp_path)
    told = done.stdout.decode()
    assert f"{PROGRAM}:{here('clock')}" in told
    assert "recorded: It is" in told
    assert "try: pass the time in" in told
    assert "answer 1" not in told


def test_the_recording_is_kept_where_that_is_wanted(tmp_path):
    done, _ = examined("environment", tmp_path, "-o", "kept.avcr")
    assert done.returncode == 1
    assert [one.name for one in tmp_path.iterdir()] == ["kept.avcr"]
    assert agentvcr("verify", "kept.avcr", cwd=tmp_path).returncode == 0


def test_a_command_that_is_not_there_is_as_in_a_shell(tmp_path):
    done = agentvcr("doctor", "--", "no-such-command", cwd=tmp_path)
    assert done.returncode == 127
    assert list(tmp_path.iterdir()) == []


def test_how_the_program_itself_ended_is_told(tmp_path):
    done = agentvcr("doctor", "--", "sh", "-c", "exit 7", cwd=tmp_path)
    assert done.returncode == 2
    assert b"exit status 7" in done.stdout
    assert b"CMD failed before it made a request" in done.stdout
    assert b"no findings" not in done.stdout


def test_without_a_command_its_own_is_hinted(tmp_path):
    done = agentvcr("doctor", cwd=tmp_path)
    refused(done, 2, "no-command")
    assert b"agentvcr doctor -- " in done.stderr


@pytest.mark.parametrize(
    ("said", "send", "number"),
    [
        (b"work begins", os.kill, signal.SIGTERM),
        (b"agentvcr: replaying with another clock", os.killpg, signal.SIGINT),
    ],
    ids=["it alone, as it records", "its group, as it replays"],
)
def test_a_signal_ends_it_at_once_without_findings(said, send, number, tmp_path):
    scene = "waits" if said == b"work begins" else "clock"
    with CounterServer() as server:
        doctor = subprocess.Popen(
            [sys.executable, "-m", "agentvcr", "doctor", "--", *python(PROGRAM, scene)],
            cwd=tmp_path,
            env={**os.environ, "BASE_URL": server.base_url, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with doctor:
            heard = next(line for line in doctor.stderr if line.startswith(said))
            send(doctor.pid, number)
            told = doctor.stdout.read()
            rest = doctor.stderr.read()
    assert heard
    assert doctor.returncode == 128 + number
    assert told == b""
    assert f"ended by {signal.Signals(number).name}".encode() in rest
    assert b"replaying with other random numbers" not in rest
    assert list(tmp_path.iterdir()) == []
