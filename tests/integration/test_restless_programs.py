"""Programs that talk, start and stop while they stream: none of them is held up or changed."""

import os
import signal
import subprocess
import sys

from agentvcr.cassette.reader import load_run
from tests.support.command_line import agentvcr
from tests.support.script_server import ScriptServer

TALKING = """
import os, sys, threading
import httpx

over = threading.Event()

def talk():
    while not over.is_set():
        print("t", flush=True)

talker = threading.Thread(target=talk)
talker.start()
with httpx.Client(timeout=60) as client:
    for _ in range(6):
        with client.stream("GET", os.environ["BASE_URL"] + "/sse?events=1500&gap_ms=0") as answer:
            size = sum(len(chunk) for chunk in answer.iter_raw())
over.set()
talker.join()
print("size", size)
"""
STARTING = """
import os, subprocess, sys
from pathlib import Path
say = [sys.executable, "-c", "print('hi')"]
print(subprocess.run(map(str, say), capture_output=True).stdout)
env = {**os.environ, "PYTHONPATH": Path("src")}
print(subprocess.run(say, env=env, capture_output=True).stdout)
"""
STOPPED = """
import os, signal, subprocess, sys
waker = subprocess.Popen(["/bin/sh", "-c", "sleep 0.5; kill -CONT %d" % os.getpid()])
os.kill(os.getpid(), signal.SIGSTOP)
waker.wait()
print("went on")
"""


def recorded(folder, program, base_url=""):
    (folder / "program.py").write_text(program)
    command = ["record", "-o", "x.avcr", "--", sys.executable, "program.py"]
    return agentvcr(*command, cwd=folder, env={"BASE_URL": base_url})


def test_a_thread_that_talks_while_another_streams_loses_no_chunk(tmp_path):
    with ScriptServer() as server:
        done = recorded(tmp_path, TALKING, server.base_url)
    assert done.returncode == 0, done.stderr.decode()
    exchanges = load_run(tmp_path / "x.avcr").exchanges
    assert [one.ending.kind for one in exchanges] == ["eof"] * 6
    size = len(exchanges[-1].response.body)
    assert done.stdout.endswith(b"size %d\n" % size)
    assert {len(one.response.body) for one in exchanges} == {size}


def test_what_subprocess_takes_it_takes_while_recording(tmp_path):
    done = recorded(tmp_path, STARTING)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b"b'hi\\n'\nb'hi\\n'\n"


def test_a_program_that_is_stopped_and_continued_alone_does_not_stop_the_recorder(tmp_path):
    done = recorded(tmp_path, STOPPED)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == b"went on\n"


def test_the_recorder_does_not_outlive_its_command_for_a_survivor(tmp_path):
    survivor = (
        "import httpx, os\n"
        "url = os.environ['BASE_URL'] + '/endless?gap_ms=20'\n"
        "with httpx.Client(timeout=60) as client, client.stream('GET', url) as answer:\n"
        "    print(os.getpid(), flush=True)\n"
        "    for chunk in answer.iter_raw(): pass\n"
    )
    (tmp_path / "survivor.py").write_text(survivor)
    command = f"{sys.executable} survivor.py > pid & while ! [ -s pid ]; do sleep 0.1; done"
    with ScriptServer() as server:
        done = subprocess.run(
            [sys.executable, "-m", "agentvcr", "record", "-o", "x.avcr", "--", "sh", "-c", command],
            cwd=tmp_path,
            env={**os.environ, "BASE_URL": server.base_url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert done.returncode == 0
    assert load_run(tmp_path / "x.avcr").exchanges[0].ending.kind == "cut"
