"""time-machine travels in a recorded program as in any, and to the same times in a replay."""

import subprocess
import sys
import time
from datetime import UTC, datetime

import time_machine

import agentvcr as library
from agentvcr.cassette.reader import load_run
from tests.support.command_line import agentvcr

THERE = datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
TRAVELLER = """
import time_machine, sys, time
from datetime import datetime, timezone
from time import time as bound
hatch = time_machine.escape_hatch
print(time.time() > 1.7e9, time.time(), datetime.now())
with time_machine.travel(1e9, tick=False):
    print(time.time(), bound(), time.time_ns(), datetime.now(timezone.utc), time.gmtime()[:6])
    print(hatch.time.time(), hatch.datetime.datetime.now(), hatch.time.strftime('%c'))
with time_machine.travel(1e9) as traveller:
    print(time.time(), datetime.now(), time.strftime('%c'))
    time.sleep(0.01)
    traveller.shift(60)
    print(time.time(), datetime.now())
print(time.time() > 1.7e9, time.time(), time.ctime())
"""


def test_a_traveller_is_at_the_same_times_again(tmp_path):
    program = [sys.executable, "-c", TRAVELLER]
    recorded = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path)
    assert recorded.returncode == 0, recorded.stderr.decode()
    first, still, _, ticking, later, last = recorded.stdout.decode().splitlines()
    assert (first[:4], last[:4]) == ("True", "True")
    whole = "1000000000.0 1000000000.0 1000000000000000000 2001-09-09 01:46:40+00:00"
    assert still == f"{whole} (2001, 9, 9, 1, 46, 40)"
    assert ticking.startswith("1000000000.0 2001-09-09 ")
    assert later.startswith("10000000")
    replayed = agentvcr("replay", "x.avcr", cwd=tmp_path)
    assert replayed.stdout == recorded.stdout
    assert replayed.returncode == 0, replayed.stderr.decode()


def test_it_may_be_imported_inside_a_block(tmp_path):
    text = (
        "import agentvcr, datetime\n"
        "with agentvcr.record('x.avcr'):\n"
        "    import time_machine\n"
        "    with time_machine.travel(1e9, tick=False): print(datetime.datetime.now().year)\n"
    )
    program = [sys.executable, "-c", text]
    done = subprocess.run(program, check=False, cwd=tmp_path, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"2001\n"), done.stderr.decode()


def test_a_block_may_begin_or_end_while_somebody_travels(tmp_path):
    traveller = time_machine.travel(THERE, tick=False)
    traveller.start()
    with library.record(tmp_path / "a.avcr"):
        assert datetime.now(UTC) == THERE
        traveller.stop()
        before = time.time()
        traveller = time_machine.travel(THERE)
        traveller.start()
        assert time.time() == THERE.timestamp()
    assert time.time() > THERE.timestamp()
    traveller.stop()
    assert before > THERE.timestamp() + 1e8
    assert time.time() >= before
    assert load_run(tmp_path / "a.avcr").info.started_at_ns > THERE.timestamp() * 1e9 + 1e17
