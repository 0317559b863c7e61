"""Who runs below the command without having let us in is found by looking."""

import pytest

from agentvcr.channel.lookout import Lookout
from agentvcr.inside.interceptors.mcp_stdio import SHIM

ENTERED = {"PYTHONPATH": "/ours:/app", "AGENTVCR_CHANNEL": "unix:/s"}
NEEDED = {"PYTHONPATH": "/ours", "AGENTVCR_CHANNEL": "unix:/s"}


def process(proc, pid, argv, environ, children=()):
    """Write down a process as the system does; `environ` is None where it may not be read."""
    folder = proc / str(pid)
    (folder / "task" / str(pid)).mkdir(parents=True, exist_ok=True)
    (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in argv))
    if environ is not None:
        lines = [f"{name}={value}\0" for name, value in environ.items()]
        (folder / "environ").write_bytes("".join(lines).encode())
    (folder / "task" / str(pid) / "children").write_text(" ".join(map(str, children)))


def looked(proc, argv, environ):
    process(proc, 1, ["sh", "x.sh"], ENTERED, [2])
    process(proc, 2, argv, environ)
    return Lookout(1, NEEDED, proc).look()


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["python", "-I", "x.py"], ENTERED),
        (["/usr/bin/python3.12", "x.py"], {}),
        (["python", "x.py"], {"PYTHONPATH": "/app", "AGENTVCR_CHANNEL": "unix:/s"}),
        (["python", "x.py"], {"PYTHONPATH": "/ours"}),
    ],
)
def test_a_python_that_did_not_let_us_in_is_found(argv, environ, tmp_path):
    assert looked(tmp_path, argv, environ) == [argv]


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["python", "x.py"], ENTERED),
        (["node", "x.js"], {}),
        (["gunicorn: worker"], {}),
        (["python", "x.py"], None),
        ([], {}),
    ],
)
def test_nobody_else_is(argv, environ, tmp_path):
    assert looked(tmp_path, argv, environ) == []


@pytest.mark.parametrize(
    "shim",
    [
        ["python", SHIM, "--"],
        ["python", "-P", "-m", "agentvcr", "mcp", "--"],
        ["/venv/bin/python", "/venv/bin/agentvcr", "mcp", "--"],
    ],
)
def test_a_server_behind_a_shim_is_no_part_of_the_run(shim, tmp_path):
    process(tmp_path, 1, ["node", "x.js"], ENTERED, [2, 4])
    process(tmp_path, 2, [*shim, "python", "server.py"], {}, [3])
    process(tmp_path, 3, ["python", "server.py"], {})
    process(tmp_path, 4, ["python", "mcp", "--"], {})
    assert Lookout(1, NEEDED, tmp_path).look() == [["python", "mcp", "--"]]


def test_each_is_found_once_and_again_as_what_takes_its_place(tmp_path):
    process(tmp_path, 1, ["sh"], ENTERED, [2, 9])  # 9 has ended
    process(tmp_path, 2, ["sh", "-c", "python -I x.py"], ENTERED)
    lookout = Lookout(1, NEEDED, tmp_path)
    assert lookout.look() == []
    process(tmp_path, 2, ["python", "-I", "x.py"], ENTERED)
    assert lookout.look() == [["python", "-I", "x.py"]]
    assert lookout.look() == []


def test_a_process_that_ends_while_its_threads_are_listed_has_no_children(tmp_path, monkeypatch):
    process(tmp_path, 1, ["sh"], ENTERED, [2])

    def ended(path="."):
        raise ProcessLookupError(3, "No such process", str(path))

    monkeypatch.setattr("os.scandir", ended)
    monkeypatch.setattr("os.listdir", ended)
    assert Lookout(1, NEEDED, tmp_path).look() == []


def test_it_looks_more_and_more_seldom(tmp_path):
    lookout = Lookout(1, NEEDED, tmp_path)
    pauses = [lookout.next_s() for _ in range(10)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1 < pauses[-1] == pauses[-2]
