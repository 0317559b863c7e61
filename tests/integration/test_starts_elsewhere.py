"""Processes started from elsewhere: servers, test runners, other environments, closed ones.

What lets us in is recorded and replayed; what does not is named, and that without credentials.
"""

import os
import subprocess
import sys
import time

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import PROGRAMS, agentvcr
from tests.support.counter_server import CounterServer
from tests.test_architecture import interpreters

PATIENCE_S = 20
APPLICATION = """
import asyncio, json, asking

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = await asyncio.to_thread(asking.talk, scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})
"""
PARENT = """
import httpx, os, signal, socket, subprocess, sys, threading

with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
command = [sys.executable, "-m", "uvicorn", "application:app", "--port", str(port), *sys.argv[1:]]
null = subprocess.DEVNULL  # its log names ports
server = subprocess.Popen(command, stdout=null, stderr=subprocess.PIPE, text=True)
for line in server.stderr:
    if "startup complete" in line:
        break
threading.Thread(target=server.stderr.read).start()
url = f"http://127.0.0.1:{port}"
with httpx.Client(timeout=60) as client:
    told = [client.get(f"{url}/{path}").json() for path in "abc"]
server.send_signal(signal.SIGINT)
server.wait()
print(told)
"""
REVERSED = """
import os

def pytest_collection_modifyitems(items):
    if "REVERSED" in os.environ:
        items.reverse()
"""
TESTS = """
import asking, pytest

@pytest.mark.parametrize("number", range(4))
def test_one(number):
    asking.leave(f"test{number}")
"""


def recorded(folder, *command, **env):
    """Record a command that asks a counting provider; gives how it ended, and its environment."""
    env = {"PYTHONPATH": str(PROGRAMS), "PYTHONDONTWRITEBYTECODE": "1", **env}
    with CounterServer(jitter_ms=(5, 30)) as server:
        env["BASE_URL"] = server.base_url
        done = agentvcr("record", "-o", "x.avcr", "--", *command, cwd=folder, env=env)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done, server.count, env


def unentered(folder):
    notes = load_run(folder / "x.avcr").notes
    return [one.text for one in notes if one.kind == "unentered"]


def assert_replayed(folder, env):
    again = agentvcr("replay", "x.avcr", cwd=folder, env=env)
    assert again.returncode == 0, again.stderr.decode()
    return again


@pytest.mark.parametrize("options", [(), ("--reload",), ("--workers", "2")], ids=" ".join)
def test_a_server_of_the_run_is_recorded_and_replayed(options, tmp_path):
    (tmp_path / "application.py").write_text(APPLICATION)
    (tmp_path / "parent.py").write_text(PARENT)
    done, asked, env = recorded(tmp_path, sys.executable, "parent.py", *options)
    outside = [one for one in load_run(tmp_path / "x.avcr").exchanges if not one.internal]
    assert len(outside) == asked == 6
    assert assert_replayed(tmp_path, env).stdout == done.stdout


def test_tests_that_run_in_workers_are_recorded_and_replayed(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(REVERSED)
    command = [sys.executable, "-m", "pytest", "-qq", "-n", "2", "-p", "no:cacheprovider"]
    _, asked, env = recorded(tmp_path, *command)
    assert asked == 8
    first = {path.name: path.read_text() for path in tmp_path.glob("*.told")}
    for path in first:
        (tmp_path / path).unlink()
    assert_replayed(tmp_path, {**env, "REVERSED": "yes"})  # each goes to another worker
    assert {path.name: path.read_text() for path in tmp_path.glob("*.told")} == first


@pytest.mark.parametrize("options", ["", " -P", " -s"])
def test_a_console_script_of_another_environment_is_recorded(options, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "other"], cwd=tmp_path, check=True
    )
    site = next(path for path in sys.path if path.endswith("site-packages"))
    script = tmp_path / "other" / "bin" / "tool"
    script.write_text(
        f"#!{tmp_path}/other/bin/python{options}\n"
        f"import sys\nsys.path.append({site!r})\nimport asking\nasking.leave('tool')\n"
    )
    script.chmod(0o755)
    (tmp_path / "p.py").write_text("import subprocess\nsubprocess.run(['tool'], check=True)\n")
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    _, asked, env = recorded(tmp_path, sys.executable, "p.py", PATH=path)
    assert asked == len(load_run(tmp_path / "x.avcr").exchanges) == 2
    assert_replayed(tmp_path, env)


@pytest.mark.parametrize("python", interpreters() or [None], ids=str)
def test_children_under_another_python_are_recorded(python, tmp_path):
    if python is None:
        pytest.skip("no foreign interpreter")
    able = subprocess.run([python, "-c", "import httpx"], env=_with_clients(), check=False)
    if able.returncode:
        pytest.skip("no foreign interpreter that the client supports")
    (tmp_path / "p.py").write_text(
        "import subprocess, sys, threading\n"
        "def start(word):\n"
        "    subprocess.run([sys.argv[1], '-m', 'asking', word], check=True)\n"
        "threads = [threading.Thread(target=start, args=(word,)) for word in 'ab']\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
    )
    env = {"PYTHONPATH": _with_clients()["PYTHONPATH"] + os.pathsep + str(PROGRAMS)}
    _, asked, env = recorded(tmp_path, sys.executable, "p.py", python, **env)
    run = load_run(tmp_path / "x.avcr")
    assert asked == len(run.exchanges) == 4
    assert len({one.lane for one in run.exchanges}) == 2
    first = [(tmp_path / f"{word}.told").read_text() for word in "ab"]
    assert_replayed(tmp_path, env)
    assert [(tmp_path / f"{word}.told").read_text() for word in "ab"] == first


def _with_clients():
    site = next(path for path in sys.path if path.endswith("site-packages"))
    return {**os.environ, "PYTHONPATH": site}


CLOSED = {
    "list": "subprocess.run([sys.executable, '-I', '-c', 'pass'])",
    "text": "subprocess.run(sys.executable + ' -E -c pass', shell=True)",
    "system": "os.system(sys.executable + ' -S -c pass')",
    "os.popen": "os.popen(sys.executable + ' -I -c pass').close()",
    "env": "subprocess.run(['env', '-i', sys.executable, '-I', '-c', 'pass'])",
    "spawn": "os.spawnv(os.P_WAIT, sys.executable, ['python', '-IS', '-c', 'pass'])",
    "posix_spawn": "os.waitpid(os.posix_spawn(sys.executable, ['py', '-I', '-c', 'pass'], {}), 0)",
    "exec": "os.execl(sys.executable, 'python', '-sE', '-c', 'pass')",
    "twice": "[subprocess.run([sys.executable, '-I', '-c', 'pass']) for _ in range(2)]",
    "posix_spawn in subprocess": (
        "subprocess.run([sys.executable, '-I', '-c', 'pass'], close_fds=False)"
    ),
}


@pytest.mark.parametrize("start", CLOSED.values(), ids=CLOSED)
def test_a_python_that_does_not_let_us_in_is_named_once(start, tmp_path):
    (tmp_path / "p.py").write_text(f"import os, subprocess, sys\n{start}\n")
    done = agentvcr("record", "-o", "x.avcr", "--", sys.executable, "p.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    said = done.stderr.decode().replace("agentvcr: ", "")
    assert said.count("not entered, so") == 1, said
    notes = unentered(tmp_path)
    assert notes
    assert f"{notes[0].replace('{python}', 'python')}, not entered" in " ".join(said.split())


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run([sys.executable, '-I', '-c', 'pass', '--token', 'hunter2-not-real'])",
        "os.system(sys.executable + ' -I -c pass --token hunter2-not-real')",
    ],
)
def test_a_command_line_is_named_without_its_credentials(start, tmp_path):
    (tmp_path / "p.py").write_text(f"import os, subprocess, sys\n{start}\n")
    done = agentvcr("record", "-o", "x.avcr", "--", sys.executable, "p.py", cwd=tmp_path)
    assert b"not entered" in done.stderr
    assert b"hunter2" not in done.stderr
    notes = unentered(tmp_path)
    assert len(notes) == 1
    assert "hunter2" not in notes[0]


def test_what_cannot_be_started_is_not_named(tmp_path):
    (tmp_path / "p.py").write_text(
        "import os, subprocess\n"
        "for start in (lambda: subprocess.run(['/nowhere/python', '-I']),\n"
        "              lambda: os.execv('/nowhere/python', ['python', '-I']),\n"
        "              lambda: os.execvp('python-of-nowhere', ['python', '-I']),\n"
        "              lambda: os.system(5), lambda: os.execv(5, 6), lambda: subprocess.run([])):\n"
        "    try:\n"
        "        start()\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
    )
    bare = subprocess.run([sys.executable, "p.py"], cwd=tmp_path, capture_output=True, check=True)
    done = agentvcr("record", "-o", "x.avcr", "--", sys.executable, "p.py", cwd=tmp_path)
    assert b"not entered" not in done.stderr
    assert done.stdout == bare.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the system tells of no processes")
def test_a_python_that_only_a_script_names_is_seen(tmp_path):
    for name in "ab":
        os.mkfifo(tmp_path / name)
    read = "open(sys.argv[1]).read()"  # until the program that saw it named lets it go
    (tmp_path / "run.sh").write_text(
        f"env -i {sys.executable} -c 'import sys; {read}' a\n"
        f"{sys.executable} -I -c 'import sys; {read}' b\n"
        f"{sys.executable} -c pass\n"
    )
    command = [sys.executable, "-m", "agentvcr", "record", "-o", "x.avcr", "--", "sh", "run.sh"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as recorder:
        for number, name in enumerate("ab", 1):
            with (tmp_path / name).open("w"):  # it has started
                until = time.monotonic() + PATIENCE_S
                while len(unentered(tmp_path)) < number and time.monotonic() < until:
                    time.sleep(0.05)
        said = recorder.communicate()[1].decode()
    assert recorder.returncode == 0
    told = [line.partition(", not entered") for line in said.splitlines()]
    assert [line[-1] for line, mark, _ in told if mark] == ["a", "b"], said
