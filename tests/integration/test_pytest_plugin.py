"""Marked tests are recorded once, answered from their cassettes, and fail where they leave them.

Each runs pytest as a user does: in a process of its own, with the plugin as it is installed.
"""

import os
import re
import subprocess
import sys
from typing import get_args

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.pytest_plugin import options
from agentvcr.recording.modes import RecordMode
from agentvcr.replaying.replayer import OnMiss
from agentvcr.session.replaying import Clock, Order
from tests.support.pytest_project import ONE, recorded_and_replayed

SHAPES = {
    "test_one.avcr": ONE,
    "test_many[a].avcr": """
@pytest.mark.agentvcr
@pytest.mark.parametrize("word", ["a"])
def test_many(word):
    assert ask(word)
""",
    "test_fixture.avcr": """
def test_fixture(agentvcr):
    assert ask("a")
    assert agentvcr.path.name == "test_fixture.avcr"
""",
    "test_async.avcr": """
@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.agentvcr
@pytest.mark.anyio
async def test_async():
    async with httpx.AsyncClient() as client:
        asked = [client.post(URL, json=body("the same")) for _ in range(5)]
        answers = [told(one) for one in await asyncio.gather(*asked)]
    assert len(set(answers)) == 5
""",
    "TestCrew.test_method.avcr": """
@pytest.mark.agentvcr
class TestCrew:
    @pytest.fixture
    def made(self):
        return ask("made")

    def test_method(self, made):
        assert made != ask("b")
""",
    "TestUnit.test_method.avcr": """
@pytest.mark.agentvcr
class TestUnit(unittest.TestCase):
    def setUp(self):
        self.made = ask("made")

    def test_method(self):
        assert self.made != ask("b")
""",
    "TestCrew.avcr": """
@pytest.fixture(scope="class")
def made():
    return ask("made")

@pytest.mark.agentvcr(scope="class")
class TestCrew:
    def test_a(self, made):
        assert made

    def test_b(self, made):
        assert made != ask("b")
""",
    "../test_crew.avcr": """
pytestmark = pytest.mark.agentvcr(scope="module")

@pytest.fixture(scope="module")
def made():
    return ask("made")

def test_a(made):
    assert made

def test_b(made):
    assert made != ask("b")
""",
    "shared.avcr": """
@pytest.mark.agentvcr("shared")
def test_named():
    assert ask("a")
""",
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_test_of_each_shape_is_recorded_and_replayed(name, project):
    project.write(SHAPES[name])
    first, again, asked = recorded_and_replayed(project)
    place = os.path.normpath(f"test_crew/{name}")
    assert project.cassettes() == [place]
    assert len(load_run(project.folder / "cassettes" / place).exchanges) == asked
    assert re.search(r"-+ agentvcr -+\n1 recorded\n", first.stdout)
    assert f"1 replayed; saved {asked} call{'s' * (asked > 1)}, " in again.stdout


def test_parameters_that_are_no_names_have_cassettes_of_their_own(project):
    words = ["a/b", "a?b", "a:b", "é", "x" * 300, "..", ""]
    project.write(f"""
@pytest.mark.agentvcr
@pytest.mark.parametrize("word", {words!r}, ids={words!r})
def test_many(word):
    assert ask(word)
""")
    recorded_and_replayed(project)
    assert len(project.cassettes()) == len(words)


def test_a_test_that_asks_nothing_needs_no_cassette(project):
    project.write("@pytest.mark.agentvcr\ndef test_nothing():\n    pass\n")
    assert project.pytest("--agentvcr-mode=once").returncode == 0
    assert project.cassettes() == []
    assert project.pytest().returncode == 0


def test_a_class_wide_mark_on_a_function_of_no_class_is_the_function_s(project):
    project.write(ONE.replace("agentvcr\n", 'agentvcr(scope="class")\n'))
    recorded_and_replayed(project)
    assert project.cassettes() == ["test_crew/test_one.avcr"]


def test_all_records_anew_and_new_episodes_adds(project):
    project.write(ONE)
    project.pytest("--agentvcr-mode=once")
    assert "told This is answer 2." in project.pytest("-s", "--agentvcr-mode=all").stdout
    assert project.pytest("--agentvcr-mode=new_episodes", WORD="more").returncode == 0
    assert len(load_run(project.folder / "cassettes/test_crew/test_one.avcr").exchanges) == 2
    project.server.stop()
    for word in ("hello", "more"):
        assert project.pytest(WORD=word).returncode == 0


def test_the_command_line_goes_before_the_mark_and_that_before_fixture_and_settings(project):
    project.write("""
@pytest.fixture(scope="module")
def agentvcr_config():
    return {"mode": "none", "on_miss": "nearest"}

@pytest.mark.agentvcr(mode="once")
def test_by_its_mark():
    assert ask("a")

@pytest.mark.agentvcr
def test_by_the_fixture():
    assert ask("a")
""")
    (project.folder / "pytest.ini").write_text("[pytest]\nagentvcr_mode = all\n", encoding="utf-8")
    assert "1 failed, 1 passed" in project.pytest().stdout
    assert project.cassettes() == ["test_crew/test_by_its_mark.avcr"]
    assert "2 passed" in project.pytest("--agentvcr-mode=once").stdout


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("mode='sometimes'", "mode is one of none, once, new_episodes, all, and not 'sometimes'"),
        ("speed=3", "there is no 'speed'; there are mode, on_miss, order, clock, scope, live"),
        ("live='a:1'", 'live is a list, as ["HOST:PORT"]'),
        ("3", "the cassette is one name, and not [3]"),
    ],
)
def test_a_mark_that_makes_no_sense_is_refused_with_the_test_s_name(mark, told, project):
    project.write(f"@pytest.mark.agentvcr({mark})\ndef test_one():\n    pass\n")
    done = project.pytest()
    assert done.returncode == 4
    assert f"@pytest.mark.agentvcr of test_crew.py::test_one: {told}" in done.stdout + done.stderr


def test_cassettes_of_no_test_are_named_and_pruned_on_request_alone(project):
    project.write(ONE)
    recorded_and_replayed(project)
    folder = project.folder / "cassettes/test_crew"
    old = folder / "test_renamed.avcr"
    old.write_bytes((folder / "test_one.avcr").read_bytes())
    named = "no test uses cassettes/test_crew/test_renamed.avcr: --agentvcr-prune deletes it"
    assert named in project.pytest().stdout
    assert named in project.pytest("-k", "nobody").stdout
    assert "no test uses" not in project.pytest("test_crew.py::test_one").stdout
    project.pytest(WORD="goodbye")
    failed = project.pytest("--lf", "--agentvcr-prune", "-p", "cacheprovider", WORD="goodbye")
    assert "no test uses" not in failed.stdout
    assert old.exists()
    (folder / "test_one.last.avcr").unlink()
    assert "deleted cassettes/test_crew/test_renamed.avcr" in (
        project.pytest("--agentvcr-prune").stdout
    )
    assert project.cassettes() == ["test_crew/test_one.avcr"]


def test_workers_that_share_a_cassette_tear_nothing_and_are_summed_up(project, rounds):
    project.write("""
@pytest.mark.parametrize("number", range(8))
@pytest.mark.agentvcr("shared")
def test_one(number):
    assert ask("the same for all")
""")
    for _ in range(min(rounds, 50)):
        first = project.pytest("-n", "4", "--agentvcr-mode=once")
        assert first.returncode == 0, first.stdout
        assert "1 recorded" in first.stdout
        again = project.pytest("-n", "4")
        assert again.returncode == 0, again.stdout
        assert "8 replayed; saved 8 calls, " in again.stdout
        assert project.cassettes() == ["test_crew/shared.avcr"]
        (project.folder / "cassettes/test_crew/shared.avcr").unlink()


def test_a_run_without_marked_tests_loads_nothing_of_the_engine(tmp_path):
    (tmp_path / "agentvcr").mkdir()  # a folder of that name marks nothing
    code = """
import sys

def test_nothing_is_loaded():
    loaded = [name for name in sys.modules if name.partition(".")[0] in ("agentvcr", "msgspec")]
    assert [name for name in loaded if "pytest_plugin" not in name] == ["agentvcr"]
"""
    (tmp_path / "agentvcr/test_it.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    assert "agentvcr ---" not in done.stdout


def test_the_choices_are_those_of_the_engine():
    assert get_args(RecordMode) == options.MODES
    assert get_args(OnMiss) == options.ON_MISS
    assert set(options.ORDERS) < set(get_args(Order))  # the third is the engine's own
    assert get_args(Clock) == options.CLOCKS


KEPT_FOR_LATER = """
SEEN = []

@pytest.fixture
def looks_at_the_end(agentvcr):
    yield
    SEEN.append(len(agentvcr.run.exchanges))

@pytest.mark.agentvcr
def test_first(agentvcr, looks_at_the_end):
    ask("first")
    SEEN.append(agentvcr)

@pytest.mark.agentvcr
def test_second():
    from agentvcr.errors import SessionOpenError

    session, count = SEEN
    assert count == 1
    if os.environ.get("REPLAYS"):
        with pytest.raises(SessionOpenError, match="what a replayed test did is known until it"):
            session.run
"""


def test_what_a_test_did_is_known_to_its_fixtures_and_not_to_later_tests(project):
    project.write(KEPT_FOR_LATER)
    assert project.pytest("--agentvcr-mode=once").returncode == 0
    done = project.pytest(REPLAYS="1")
    assert done.returncode == 0, done.stdout


FORKS = """
FORKED = []
ORIGINAL = os.register_at_fork
os.register_at_fork = lambda **hooks: (FORKED.append(hooks), ORIGINAL(**hooks))

@pytest.mark.agentvcr
@pytest.mark.parametrize("n", range(5))
def test_asking(n):
    ask("a")
    assert len(FORKED) <= 3  # once for all tests, by each who follows forks
"""


@pytest.mark.skipif(not hasattr(os, "register_at_fork"), reason="nothing forks here")
def test_a_suite_follows_forks_once_and_not_with_each_test(project):
    project.write(FORKS)
    assert project.pytest("--agentvcr-mode=once").returncode == 0
    done = project.pytest()
    assert done.returncode == 0, done.stdout


BROADER = """
@pytest.fixture(scope="session")
def token():
    return ask("token")

@pytest.fixture(scope="module", autouse=True)
def greeting():
    return ask("greeting")

@pytest.mark.agentvcr
@pytest.mark.parametrize("word", ["a", "b"])
def test_asking(token, word):
    assert ask(word) != token
"""


def test_what_fixtures_of_a_broader_scope_ask_is_in_no_tests_cassette(project):
    project.write(BROADER)
    assert project.pytest("--agentvcr-mode=once").returncode == 0
    place = project.folder / "cassettes" / "test_crew"
    assert [len(load_run(one).exchanges) for one in sorted(place.iterdir())] == [1, 1]
    done = project.pytest("-k", "b")  # whichever test comes first
    assert done.returncode == 0, done.stdout


STARTING = """
import subprocess, sys

@pytest.mark.agentvcr
@pytest.mark.parametrize("n", range(7))
def test_asking(n):
    ask("a")
    subprocess.run([sys.executable, "-c", "pass"], check=True)
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_what_a_recording_lacks_is_told(project, workers):
    project.write(STARTING)
    done = project.pytest("--agentvcr-mode=once", *workers)
    assert done.returncode == 0, done.stdout
    lacking = re.findall(r"test_asking\[\d\].avcr lacks .* -c pass: not entered", done.stdout)
    assert len(lacking) == 5
    assert "and 2 more that are not in the cassettes" in done.stdout
    assert "lacks" not in project.pytest(*workers).stdout
