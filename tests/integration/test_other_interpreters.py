"""A program is recorded under Pythons that have neither AgentVCR nor its dependencies."""

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.command_line import agentvcr
from tests.support.counter_server import CounterServer
from tests.test_architecture import interpreters

CLIENT = ("httpx", "httpcore", "h11", "certifi", "idna", "typing_extensions")
PROGRAM = """
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
import httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"

def ask(_):
    body = {"messages": [{"role": "user", "content": "the same"}]}
    with httpx.Client() as client:
        return client.post(URL, json=body).json()["choices"][0]["message"]["content"]

with ThreadPoolExecutor(4) as pool:
    told = list(pool.map(ask, range(4)))
ours = {"msgspec", "zstandard", "typer", "pydantic"} & set(sys.modules)
print(json.dumps([sys.version_info[:2], told, sorted(ours)]))
"""


@pytest.fixture
def client_alone(tmp_path):
    """A folder with an HTTP client that is all Python, and nothing of ours."""
    site = tmp_path / "site"
    site.mkdir()
    for name in CLIENT:
        origin = Path(importlib.util.find_spec(name).origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, site / name)
        else:
            shutil.copy(origin, site)
    return site


@pytest.mark.parametrize("python", interpreters() or [None], ids=str)
def test_a_program_under_another_python_is_recorded_and_replayed(python, client_alone, tmp_path):
    if python is None:
        pytest.skip("no foreign interpreter")
    environment = {**os.environ, "PYTHONPATH": str(client_alone)}
    able = subprocess.run([python, "-c", "import httpx"], env=environment, check=False)
    if able.returncode:
        pytest.skip("no foreign interpreter that the client supports")
    (tmp_path / "program.py").write_text(PROGRAM)
    with CounterServer(jitter_ms=(5, 40)) as server:
        env = {"BASE_URL": server.base_url, "PYTHONPATH": str(client_alone)}
        command = ["record", "-o", "x.avcr", "--", python, "program.py"]
        recorded = agentvcr(*command, cwd=tmp_path, env=env)
        assert recorded.returncode == 0, recorded.stderr.decode()
        asked = server.count
        replayed = agentvcr("replay", "x.avcr", cwd=tmp_path, env=env)
        assert replayed.returncode == 0, replayed.stderr.decode()
        assert server.count == asked == 4
    version, told, ours = json.loads(recorded.stdout)
    assert replayed.stdout == recorded.stdout
    assert len(set(told)) == 4
    assert ours == []
    assert version >= [3, 9]
