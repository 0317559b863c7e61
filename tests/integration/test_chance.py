"""What a program draws is drawn again: in each lane, another process, hash seed and time zone."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import agentvcr, python
from tests.support.counter_server import CounterServer

ELSEWHERE = {"PYTHONHASHSEED": "4242", "TZ": "Asia/Tokyo"}
RECORD = ("record", "--force", "-o", "x.avcr", "--")
DRAWS = ("random", "choice", "instance", "system", "secrets", "urandom", "long", "uuid4", "file")


def kept(program, folder, env):
    """Record a program and replay it elsewhere; gives the two runs as they ended."""
    recorded = agentvcr(*RECORD, *program, cwd=folder, env=env)
    assert recorded.returncode == 0, recorded.stderr.decode()
    return recorded, agentvcr("replay", "x.avcr", cwd=folder, env={**env, **ELSEWHERE})


def script(text):
    return [sys.executable, "-c", text]


def said(text, folder, env=None):
    """Record a program of no requests, replay it elsewhere; gives what it said both times."""
    recorded, replayed = kept(script(text), folder, env or {})
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    return recorded.stdout.decode()


def test_every_source_in_every_lane_is_the_same_again_elsewhere(tmp_path):
    with CounterServer(jitter_ms=(0, 20)) as server:
        env = {"BASE_URL": server.base_url}
        recorded, replayed = kept(python("chances.py"), tmp_path, env)
    assert replayed.returncode == 0, replayed.stderr.decode()
    lanes = json.loads(recorded.stdout)
    assert json.loads(replayed.stdout) == lanes
    drawn = [own for own in lanes.values() if isinstance(own, dict) and "random" in own]
    first, *others = lanes["shared"]
    assert others == [first] * 2, "a child has another hash seed or zone"
    assert len(drawn) == 2 + 3 + 3 + 4 + 2 + 2 * 4
    for source in DRAWS:
        assert len({str(own[source]) for own in drawn}) == len(drawn), f"{source}: drawn twice"


def test_no_name_of_a_caller_holds_what_the_system_chose(tmp_path):
    with CounterServer(jitter_ms=(0, 1)) as server:
        recorded, replayed = kept(python("chances.py"), tmp_path, {"BASE_URL": server.base_url})
    assert (recorded.returncode, replayed.returncode) == (0, 0)
    runs = [load_run(tmp_path / name) for name in ("x.avcr", "x.last.avcr")]
    lanes = [{one.lane for one in run.exchanges} for run in runs]
    assert lanes[0] == lanes[1]
    names = lanes[0] | {one.lane for run in runs for one in run.processes}
    numbers = set(re.findall(r"\d+", " ".join(names)))
    assert not numbers & {str(one.pid) for run in runs for one in run.processes}


def test_two_recordings_draw_otherwise(tmp_path):
    draw = script("import random, uuid; print(random.random(), uuid.uuid4(), hash('x'))")
    runs = [agentvcr(*RECORD, *draw, cwd=tmp_path).stdout.split() for _ in range(2)]
    assert not set(runs[0]) & set(runs[1])


def test_without_it_the_replay_is_another_run(tmp_path):
    with CounterServer(jitter_ms=(0, 1)) as server:
        env = {"BASE_URL": server.base_url, "AGENTVCR_OFF": "chance"}
        _, replayed = kept(python("chances.py"), tmp_path, env)
    assert replayed.returncode == 4


def test_processes_that_one_shell_starts_draw_apart(tmp_path):
    code = 'import os, uuid; print(uuid.uuid4(), os.environ["AGENTVCR_SEED"])'
    draw = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"
    recorded, replayed = kept(["sh", "-c", f"{draw}; {draw}; {draw}"], tmp_path, {})
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    # What each of them starts has its seed, since a pool's items draw by nothing else.
    assert len(set(recorded.stdout.split())) == 6


def test_a_program_that_takes_its_own_place_draws_on(tmp_path):
    text = (
        "import os, sys, uuid\nprint(uuid.uuid4(), flush=True)\n"
        "if len(sys.argv) < 4: os.execv(sys.executable, [*sys.orig_argv, 'x'])"
    )
    (tmp_path / "again.py").write_text(text)
    recorded, replayed = kept([sys.executable, "again.py"], tmp_path, {})
    assert replayed.returncode == 0, replayed.stderr.decode()
    lines = recorded.stdout.split()
    assert len(set(lines)) == len(lines) == 4


def test_a_program_does_not_see_the_hash_seed_that_was_chosen_for_it(tmp_path):
    text = (
        "import os, subprocess, sys\n"
        "seen = 'PYTHONHASHSEED' in os.environ\n"
        "print(seen, hash('x'), sys.flags.hash_randomization, flush=True)\n"
        "again = [sys.executable, '-c', 'print(hash(\"x\"))']\n"
        "for env in (None, {}): subprocess.run(again, env=env)\n"
        "os.system(sys.executable + ' -c \"print(hash(chr(120)))\"')"
    )
    first, *others = said(text, tmp_path).splitlines()
    seen, number, randomized = first.split()
    assert (seen, randomized, others) == ("False", "1", [number] * 3)


@pytest.mark.parametrize("given", ["0", "77"])
def test_a_hash_seed_that_the_user_gave_stays(given, tmp_path):
    text = "import os; print(os.environ['PYTHONHASHSEED'], hash('x'))"
    assert said(text, tmp_path, {"PYTHONHASHSEED": given}).split()[0] == given


@pytest.mark.parametrize(
    "again",
    [
        "os.environ['PYTHONHASHSEED'] = '0'; os.execv(sys.executable, me)",
        "sys.exit(subprocess.call(me, env=dict(os.environ, PYTHONHASHSEED='0')))",
    ],
    ids=["exec", "child"],
)
def test_a_program_that_starts_itself_again_with_a_hash_seed_of_its_own_sees_it(again, tmp_path):
    (tmp_path / "again.py").write_text(
        "import os, subprocess, sys\n"
        "rounds = int(os.environ.get('ROUNDS_OF_IT', '0'))\n"
        "os.environ['ROUNDS_OF_IT'] = str(rounds + 1)\n"
        "me = [sys.executable, 'again.py']\n"
        f"if os.environ.get('PYTHONHASHSEED') != '0' and rounds < 3: {again}\n"
        "print(rounds, sys.flags.hash_randomization)"
    )
    recorded, replayed = kept([sys.executable, "again.py"], tmp_path, {})
    assert (recorded.stdout, replayed.stdout) == (b"1 0\n", b"1 0\n")


@pytest.mark.parametrize(
    "zone", ["America/New_York", "EST5EDT,M3.2.0,M11.1.0", ":Asia/Kolkata", ""]
)
def test_local_times_are_those_of_the_recorded_zone(zone, tmp_path):
    text = (
        "import os, time\nfrom datetime import datetime\n"
        "print(os.environ['TZ'], time.tzname, datetime.fromtimestamp(1700000000).isoformat())"
    )
    assert "Asia/Tokyo" not in said(text, tmp_path, {"TZ": zone})


def test_a_seeded_program_draws_what_it_draws_without_us(tmp_path):
    text = (
        "import asyncio, random\n"
        "async def one(): return random.random()\n"
        "async def all(): return await asyncio.gather(*[one() for _ in range(3)])\n"
        "random.seed(20)\n"
        "drawn = random.random(), asyncio.run(all()), random.gauss(0, 1)\n"
        "print(*drawn, random.sample(range(99), 5))\n"
    )
    bare = subprocess.run(script(text), capture_output=True, check=True, text=True).stdout
    assert said(text, tmp_path) == bare


def test_threads_of_a_seeded_program_draw_the_same_in_each_recording(tmp_path):
    text = (
        "import random\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "random.seed('crew')\n"
        "def draw(_): return random.random()\n"
        "with ThreadPoolExecutor(4) as pool: print(list(pool.map(draw, range(8))))"
    )
    first, second = said(text, tmp_path), said(text, tmp_path)
    assert first == second
    assert len(set(json.loads(first))) == 8


def test_keys_are_made_of_real_chance(tmp_path):
    (tmp_path / "paramiko").mkdir()
    (tmp_path / "paramiko" / "__init__.py").write_text(
        "import os, secrets\ndef key(): return [os.urandom(8).hex(), secrets.token_hex(8)]"
    )
    text = "import os, paramiko; print(os.urandom(4).hex(), *paramiko.key(), os.urandom(4).hex())"
    recorded, replayed = kept(script(text), tmp_path, {})
    first, again = recorded.stdout.split(), replayed.stdout.split()
    assert (first[0], first[3]) == (again[0], again[3])
    assert not {first[1], first[2]} & {again[1], again[2]}
