"""A folder with tests that ask a provider, and pytest run on it as a user runs it."""

import os
import subprocess
import sys

ASKING = """
import asyncio, os, unittest
import httpx, pytest

URL = os.environ["BASE_URL"] + "/v1/chat/completions"

def body(text):
    return {"model": "counter", "messages": [{"role": "user", "content": text}]}

def told(response):
    return response.json()["choices"][0]["message"]["content"]

def ask(text):
    return told(httpx.post(URL, json=body(text)))
"""

ONE = """
@pytest.mark.agentvcr
def test_one():
    print("told", ask(os.environ.get("WORD", "hello")))
"""


class Project:
    """A folder with tests, and a provider for them."""

    def __init__(self, folder, server):
        self.folder = folder
        self.server = server
        self.env = {**os.environ, "BASE_URL": server.base_url, "COLUMNS": "80"}
        self.env.pop("CI", None)  # there pytest cuts no line of its summary short

    def write(self, code, name="test_crew.py"):
        (self.folder / name).write_text(ASKING + code, encoding="utf-8")

    def compat(self, *words, **env):
        """Run it in the place of pytest-recording."""
        return self.pytest("--agentvcr-compat", *words, **env)

    def pytest(self, *words, **env):
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def cassettes(self):
        found = (self.folder / "cassettes").rglob("*.avcr")
        return sorted(one.relative_to(self.folder / "cassettes").as_posix() for one in found)


def recorded_and_replayed(project, *words):
    """Record the tests, and run them again with the provider gone."""
    first = project.pytest("--agentvcr-mode=once", *words)
    assert first.returncode == 0, first.stdout + first.stderr
    asked = project.server.count
    project.server.stop()
    again = project.pytest(*words)
    assert again.returncode == 0, again.stdout + again.stderr
    return first, again, asked
