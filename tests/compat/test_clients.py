"""The rest of the long tail, in vcrpy's test environment: libcurl under tornado and under httpx.

These open their connections from C or Rust, where no guard of ours sees them: what is not recorded
is lost.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import PROGRAMS
from tests.support.command_line import agentvcr as command_line
from tests.support.script_server import ScriptServer

PYTHON = Path(os.environ["AGENTVCR_COMPAT"]) / "bin" / "python"
CURL = "tornado.curl_httpclient.CurlAsyncHTTPClient"
CALLS = {
    ("tornado_calls.py", "answers"): ("tornado.curl_httpclient", 10),
    ("tornado_calls.py", "redirected"): ("tornado.curl_httpclient", 2),
    ("tornado_calls.py", "failures"): ("tornado.curl_httpclient", 7),
    ("tornado_calls.py", "gives_up"): ("tornado.curl_httpclient", 2),
    ("transports_of_others.py", "curl"): ("httpx_curl_cffi", 12),
    ("transports_of_others.py", "reqwest"): ("pyreqwest", 12),
}


def untimed(text):
    """Take out how long a failure took: curl says so."""
    return re.sub(rb"\d+ m", b"N m", text)


@pytest.mark.parametrize(("words", "expected"), CALLS.items(), ids=lambda one: one[1])
def test_a_program_sees_the_same_bare_recorded_and_replayed(words, expected, tmp_path):
    command = [str(PYTHON), str(PROGRAMS / words[0]), *words[1:]]
    with ScriptServer() as server:
        env = {"BASE_URL": server.base_url, "TORNADO_CLIENT": CURL}
        bare = subprocess.run(command, env=env, capture_output=True, check=True, timeout=60)
        recorded = command_line("record", "-o", "x.avcr", "--", *command, cwd=tmp_path, env=env)
        asked = server.count
        assert recorded.returncode == 0, recorded.stderr.decode()
        assert untimed(recorded.stdout) == untimed(bare.stdout)
        assert b"not recorded" not in recorded.stderr, recorded.stderr.decode()
        replayed = command_line("replay", "x.avcr", cwd=tmp_path, env=env)
        assert replayed.returncode == 0, replayed.stderr.decode()
        assert replayed.stdout == recorded.stdout
        assert server.count == asked
    exchanges = load_run(tmp_path / "x.avcr").exchanges
    assert ({one.client for one in exchanges}, len(exchanges)) == ({expected[0]}, expected[1])
