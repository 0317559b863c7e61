"""What a signal handler of the program's raises in the middle of our code is the program's."""

import pytest

from tests.support.command_line import agentvcr, python
from tests.support.server_process import ServerProcess


@pytest.mark.parametrize("kind", ["error", "timeout"])
def test_an_exception_of_a_signal_handler_reaches_the_program_and_ends_no_recording(kind, tmp_path):
    with ServerProcess("script_server") as server:
        program = python("alarms.py", server.base_url, kind)
        done = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    said = done.stderr.decode()
    assert "recorder is gone" not in said
    assert "unrecorded" not in said
