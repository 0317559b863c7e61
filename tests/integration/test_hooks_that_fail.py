"""A client that an interceptor cannot work with: told while recording, a stop in a replay."""

import sys

from tests.support.command_line import agentvcr

PROGRAM = """
try:
    import aiohttp
except Exception as error:
    print("seen", error)
print("went on")
"""


def test_a_client_that_cannot_be_hooked_is_told_and_stops_a_replay(tmp_path):
    (tmp_path / "aiohttp.py").write_text("__version__ = '3.9.0'\n")  # before its middlewares
    (tmp_path / "p.py").write_text(PROGRAM)
    words = ("record", "-o", "x.avcr", "--", sys.executable, "p.py")
    recorded = agentvcr(*words, cwd=tmp_path)
    assert (recorded.returncode, recorded.stdout) == (0, b"went on\n")
    assert b"3.12 is the first" in recorded.stderr
    replayed = agentvcr("replay", "x.avcr", cwd=tmp_path)
    assert replayed.returncode == 4, replayed.stderr.decode()
    assert b"the replay left its recording and was stopped" in replayed.stderr
    assert b"3.12 is the first" in replayed.stderr
    assert replayed.stdout == b""
