"""A child process's steps belong to the step that started it; what kills a program loses none."""

import signal
import subprocess
import sys

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.steps import steps_of
from tests.support.command_line import agentvcr

CHILD = """
import agentvcr

@agentvcr.tool
def look(word):
    return word

def work(word="x"):
    with agentvcr.step("child"), agentvcr.step("inner"):
        look(word)
    return word

if __name__ == "__main__":
    work()
"""
STARTS = {
    "run": "subprocess.run([sys.executable, 'child.py'], check=True)",
    "own environment": "subprocess.run([sys.executable, 'child.py'], check=True, env={'A': 'b'})",
    "shell": "subprocess.run(f'{sys.executable} child.py; true', check=True, shell=True)",
    "asyncio": "asyncio.run(started())",
    "fork": "forked()",
    "multiprocessing fork": "processed('fork')",
    "multiprocessing spawn": "processed('spawn')",
    "pool of spawned": "pooled('spawn')",
    "thread": "in_thread(lambda: subprocess.run([sys.executable, 'child.py'], check=True))",
}
PARENT = """
import asyncio, multiprocessing, os, subprocess, sys, threading
from concurrent.futures import ProcessPoolExecutor
import agentvcr, child

async def started():
    process = await asyncio.create_subprocess_exec(sys.executable, "child.py")
    assert await process.wait() == 0

def forked():
    pid = os.fork()
    if not pid:
        child.work()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0

def processed(method):
    process = multiprocessing.get_context(method).Process(target=child.work)
    process.start()
    process.join()
    assert process.exitcode == 0

def pooled(method):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert pool.submit(child.work, "y").result() == "y"

def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

def main():
    with agentvcr.step("before"):
        pass
    with agentvcr.step("outer"), agentvcr.step(NAME):
        START
    with agentvcr.step("after"):
        pass

if __name__ == "__main__":
    main()
"""


def record(folder, program, **env):
    """Write a program beside `child.py` and record it; gives how it ended and the run."""
    (folder / "child.py").write_text(CHILD, encoding="utf-8")
    (folder / "parent.py").write_text(program, encoding="utf-8")
    command = ["record", "-o", "x.avcr", "--", sys.executable, "parent.py"]
    done = agentvcr(*command, cwd=folder, env=env)
    return done, load_run(folder / "x.avcr")


def parent_of(start, name="start"):
    return PARENT.replace("START", start).replace("NAME", repr(name))


def parents(run):
    return {step.id: step.parent for step in steps_of(run)}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_child_s_steps_and_calls_are_inside_the_step_that_started_it(start, tmp_path):
    done, run = record(tmp_path, parent_of(start))
    assert done.returncode == 0, done.stderr.decode()
    found = parents(run)
    (child,) = [path for path in found if path.endswith("/child")]
    assert found == {
        "before": None,
        "outer": None,
        "outer/start": "outer",
        child: "outer/start",
        f"{child}/inner": child,
        f"{child}/inner/look": f"{child}/inner",
        "after": None,
    }
    assert all(one.ended_ns for one in run.steps)
    replayed = agentvcr("replay", "x.avcr", cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr.decode()


@pytest.mark.parametrize("name", ["", "a b", "nul\0", "\udfff", "\U0001f9ca", "a/b[1]#%"])
def test_a_step_of_any_name_can_start_a_process(name, tmp_path):
    done, run = record(tmp_path, parent_of(STARTS["run"], name), LC_ALL="C", PYTHONUTF8="1")
    assert done.returncode == 0, done.stderr.decode()
    found = parents(run)
    (child,) = [path for path in found if path.endswith("/child")]
    assert found[found[child]] == "outer"


def test_a_step_can_start_a_process_where_the_locale_has_no_such_letter(tmp_path):
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    program = parent_of(STARTS["run"], "\u00e9")
    done, run = record(tmp_path, program, **ascii_only)
    assert done.returncode == 0, done.stderr.decode()
    assert parents(run)["outer/\u00e9/proc0/child"] == "outer/\u00e9"


def test_a_step_however_deep_can_start_a_process(tmp_path):
    program = """
import agentvcr, contextlib, subprocess, sys
with contextlib.ExitStack() as stack:
    for _ in range(400):
        stack.enter_context(agentvcr.step("n" * 118))
    subprocess.run([sys.executable, "child.py"], check=True)
"""
    done, run = record(tmp_path, program)
    assert done.returncode == 0, done.stderr.decode()
    assert len(run.steps) == 402


def test_every_path_is_found_from_the_command_line(tmp_path):
    done, run = record(tmp_path, parent_of(STARTS["run"], "a/b c[1] \U0001f9ca"))
    assert done.returncode == 0, done.stderr.decode()
    for step in steps_of(run):
        shown = agentvcr("show", "x.avcr", step.id, "--json", cwd=tmp_path)
        assert shown.returncode == 0, shown.stderr.decode()
        assert f'"number":{step.number},' in shown.stdout.decode().replace(" ", "")


def test_a_fork_that_leaves_the_step_does_not_end_it(tmp_path):
    program = """
import agentvcr, os, sys
with agentvcr.step("x") as step:
    pid = os.fork()
    if not pid:
        step.set_output("the child's")
        sys.exit(3)
    assert os.waitpid(pid, 0)[1] == 3 << 8
    step.set_output("the parent's")
"""
    done, run = record(tmp_path, program)
    assert done.returncode == 0, done.stderr.decode()
    (step,) = run.steps
    assert (step.failure, step.output) == (None, b'"the parent\'s"')


def test_what_was_under_way_when_the_program_was_killed_is_in_progress(tmp_path):
    program = """
import agentvcr, child, os, signal
with agentvcr.step("done"):
    pass
with agentvcr.step("outer", input="given"), agentvcr.step("inner"):
    child.look("word")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done, run = record(tmp_path, program)
    assert done.returncode == 128 + signal.SIGKILL
    assert parents(run) == {
        "done": None,
        "outer": None,
        "outer/inner": "outer",
        "outer/inner/look": "outer/inner",
    }
    assert [one.path for one in run.steps if one.ended_ns is None] == ["outer", "outer/inner"]
    assert run.steps[1].input == b'"given"'
    shown = agentvcr("show", "x.avcr", cwd=tmp_path).stdout.decode()
    assert shown.count("in progress") == 2


def test_a_child_that_is_killed_leaves_its_own_steps_open_alone(tmp_path):
    program = """
import agentvcr, os, signal
with agentvcr.step("outer"):
    pid = os.fork()
    if not pid:
        agentvcr.step("child").__enter__()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
"""
    done, run = record(tmp_path, program)
    assert done.returncode == 0, done.stderr.decode()
    assert {one.name: one.ended_ns is not None for one in run.steps} == {
        "outer": True,
        "child": False,
    }


def test_where_nothing_records_the_program_says_the_same(tmp_path):
    (tmp_path / "child.py").write_text(CHILD, encoding="utf-8")
    program = parent_of("print(sorted(os.environ)); child.work()")
    (tmp_path / "parent.py").write_text(program, encoding="utf-8")
    alone = subprocess.run(
        [sys.executable, "parent.py"], cwd=tmp_path, capture_output=True, check=True
    )
    assert b"AGENTVCR_STEP" not in alone.stdout
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["child.py", "parent.py"]
    assert alone.stderr == b""
