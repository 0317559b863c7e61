"""Record a program, and replay it live as if it had changed its mind.

Owns the three runs. What is expected of them is a test's.
"""

import pathlib
import subprocess
import sys
import textwrap

from tests.support.command_line import agentvcr
from tests.support.counter_server import CounterServer


def of_two_minds(
    folder: pathlib.Path, server: CounterServer, command: list[str], **env: str
) -> list[subprocess.CompletedProcess[bytes]]:
    """Record a program, and replay it live as if it asked for something else; gives both."""
    told = []
    known = {"BASE_URL": server.base_url, "OPENAI_BASE_URL": server.base_url + "/v1", **env}
    for words in (
        ("record", "-o", "x.avcr", "--", *command),
        ("replay", "x.avcr", "--on-miss", "live", "-o", "new.avcr"),
    ):
        done = agentvcr(*words, cwd=folder, env={**known, "WHAT": f"thing {len(told)}"})
        told.append(done)
    again = agentvcr("replay", "new.avcr", cwd=folder, env={**known, "WHAT": "thing 1"})
    assert (again.returncode, again.stdout) == (0, told[1].stdout), again.stderr.decode()
    return told


def script(folder: pathlib.Path, text: str) -> list[str]:
    """Write a program, and say how it is run."""
    (folder / "program.py").write_text(textwrap.dedent(text))
    return [sys.executable, "program.py"]
