"""Killed at any moment, a recording has every exchange whose end its program had seen.

SIGKILL for the program, for the recorder, for one after the other and for all, in the middle of
four busy lanes; then the file as it was left must serve every command. The moment is a number of
pieces that the provider has sent, and some microseconds more. Sealing is killed too, and runs out
of disk.
"""

import json
import random
import shutil
import subprocess

import pytest

from agentvcr.cassette.reader import last_of, load_run
from agentvcr.cassette.seal import seal
from tests.support.command_line import agentvcr, python
from tests.support.crash_provider import CrashProvider
from tests.support.crash_run import CrashRun, as_noted, assert_holds, notes_of

DRIVERS = ["tasks", "threads"]
FEWEST = 5
"""Rounds of each kind in `make check`: twenty in all, and two hundred in `make check-long`."""
MOST_PIECES = 200
GOES_ON_FOR = 40
SPIN = 60_000
LONG_SPIN = 1_000_000


# --- recording ------------------------------------------------------------------------------------


def kill_program(run, chance):
    run.kill_program()
    status, out, err = run.end()
    assert (status, out) == (137, ""), err
    assert "Traceback" not in err
    return run.seen()


def kill_recorder(run, chance):
    seen = run.seen()  # what it sees from here on, nobody may be there to record
    run.kill_recorder()
    run.provider.wait_until_sent(GOES_ON_FOR)
    run.provider.wind_up()
    status, out, err = run.end()
    assert (status, out) == (-9, "0\n"), err
    assert err == "agentvcr: the recorder is gone; this program goes on unrecorded\n"
    return seen


def kill_program_then_recorder(run, chance):
    run.kill_program()
    if chance.random() < 0.5:
        run.watch_for_sealing()
    spin(chance, LONG_SPIN)
    run.kill_recorder()
    run.end()
    return run.seen()


def kill_all(run, chance):
    run.kill_all()
    assert run.end() == (-9, "", "")
    return run.seen()


KILL = {
    "program": kill_program,
    "recorder": kill_recorder,
    "program_then_recorder": kill_program_then_recorder,
    "all": kill_all,
}


def spin(chance, most=SPIN):
    for _ in range(chance.randint(0, most)):
        pass


def crash(path, provider, kind, turn):
    """Record, and kill at a moment of chance; returns what the program had seen."""
    chance = random.Random(f"{kind}/{turn}")
    driver = DRIVERS[turn % len(DRIVERS)]
    with CrashRun(path, provider, driver, tells=kind == "recorder") as run:
        provider.wait_until_sent(chance.randint(1, MOST_PIECES))
        spin(chance)
        return KILL[kind](run, chance)


@pytest.mark.parametrize("kind", KILL)
def test_what_the_program_saw_complete_is_in_the_file(kind, tmp_path, rounds):
    for turn in range(max(FEWEST, rounds)):
        path = tmp_path / f"{turn}.avcr"
        with CrashProvider() as provider:
            seen = crash(path, provider, kind, turn)
        assert_holds(load_run(path), seen, provider.said)
        shown = agentvcr("show", path, cwd=tmp_path)
        assert shown.returncode == 0, shown.stderr.decode()
        path.unlink()


@pytest.mark.parametrize("kind", KILL)
def test_every_command_takes_the_file_as_it_was_left(kind, tmp_path, rounds):
    for turn in range(max(1, rounds // FEWEST)):
        path = tmp_path / f"{turn}.avcr"
        with CrashProvider() as provider:
            crash(path, provider, kind, turn)
            assert_replays(path, provider)
        compared = agentvcr("diff", path, path, cwd=tmp_path)
        assert compared.returncode == 0, compared.stderr.decode()
        listed = agentvcr("ls", "--json", ".", cwd=tmp_path)
        assert listed.returncode == 0
        assert [one["error"] for one in json.loads(listed.stdout)["cassettes"]] == [None, None]
        path.unlink()
        last_of(path).unlink()


def assert_replays(path, provider):
    """Replay to where the recording breaks off: nothing live, nothing but what was recorded."""
    notes = path.with_suffix(".again")
    asked = provider.count
    env = {"BASE_URL": provider.base_url, "NOTES": str(notes)}
    replayed = agentvcr("replay", path.name, cwd=path.parent, env=env)
    assert replayed.returncode in (0, 4), replayed.stderr.decode()  # 4: it asks on, after the end
    assert b"Traceback" not in replayed.stderr
    assert provider.count == asked
    recorded = {as_noted(one) for one in load_run(path).exchanges if one.ending}
    assert set(notes_of(notes)) <= recorded
    compared = agentvcr("diff", path.name, cwd=path.parent)
    assert compared.returncode == (1 if replayed.returncode else 0), compared.stderr.decode()


# --- sealing --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Some megabytes that nobody has sealed: all were killed."""
    path = tmp_path_factory.mktemp("journal") / "x.avcr"
    with CrashProvider() as provider, CrashRun(path, provider, "tasks") as run:
        provider.wait_until_sent(MOST_PIECES)
        run.kill_all()
        run.end()
    return path


def told(path):
    """Everything that a cassette tells, in whatever state it is."""
    run = load_run(path)
    return run.info, run.processes, list(run.exchanges), run.outputs, run.notes, run.outcome


def sealing(path, *words):
    """Seal in a process of its own; its standard output has a byte for each step."""
    return subprocess.Popen(python("crash_seal.py", path, *words), stdout=subprocess.PIPE)


def steps_of_sealing(journal, folder):
    path = shutil.copy(journal, folder / "counted.avcr")
    with sealing(path) as process:
        steps = process.stdout.read()
    path.unlink()
    return steps


def assert_seals(path, whole):
    """Whatever state the file is in, it is whole, and so it is once it is sealed."""
    assert told(path) == whole
    seal(path)
    assert told(path) == whole
    assert list(path.parent.iterdir()) == [path]


def test_killed_while_it_seals_leaves_the_journal_or_the_sealed_file(journal, tmp_path, rounds):
    whole, steps = told(journal), steps_of_sealing(journal, tmp_path)
    for turn in range(max(FEWEST, rounds)):
        chance = random.Random(turn)
        path = shutil.copy(journal, tmp_path / "x.avcr")
        with sealing(path) as process:
            process.stdout.read(chance.randint(1, len(steps)))
            spin(chance)
            process.kill()
        assert_seals(path, whole)


def test_killed_before_anything_it_does_by_name_leaves_one_of_the_two_as_well(journal, tmp_path):
    whole, steps = told(journal), steps_of_sealing(journal, tmp_path)
    assert steps.count(b"!") > 3  # opens both, puts one in the place of the other
    for number in (number for number, step in enumerate(steps) if step == ord("!")):
        path = shutil.copy(journal, tmp_path / "x.avcr")
        with sealing(path, "--die", number) as process:
            assert process.wait() == -9
        assert_seals(path, whole)


def test_a_disk_that_is_full_while_it_seals_leaves_the_journal_as_it_was(journal, tmp_path):
    before = journal.read_bytes()
    path = shutil.copy(journal, tmp_path / "x.avcr")
    for part in (0.0, 0.1, 0.5, 0.9, 0.999):
        sealed = subprocess.run(
            python("crash_seal.py", path, "--room", int(part * len(before))),
            capture_output=True,
            check=False,
        )
        assert sealed.returncode == 1
        assert sealed.stderr.decode().endswith("OSError: [Errno 27] File too large\n")
        assert list(tmp_path.iterdir()) == [path]
        assert path.read_bytes() == before
