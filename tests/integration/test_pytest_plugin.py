"""Marked tests are recorded once, answered from their cassettes, and fail where they leave them.

Each runs pytest as a user does: in a process of its own, with the plugin as it is installed.
"""

import os
import re
import subprocess
import sys

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.counter_server import CounterServer

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

    def write(self, code, name="test_crew.py"):
        (self.folder / name).write_text(ASKING + code, encoding="utf-8")

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


@pytest.fixture
def project(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with CounterServer(jitter_ms=(0, 3)) as server:
        yield Project(tmp_path, server)


def recorded_and_replayed(project, *words):
    """Record the tests, and run them again with the provider gone."""
    first = project.pytest("--agentvcr-mode=once", *words)
    assert first.returncode == 0, first.stdout + first.stderr
    asked = project.server.count
    project.server.stop()
    again = project.pytest(*words)
    assert again.returncode == 0, again.stdout + again.stderr
    return first, again, asked


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
    assert f"1 replayed; saved {asked} calls, " in again.stdout


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


def test_without_a_cassette_a_request_fails_and_reaches_nobody(project):
    project.write(ONE)
    done = project.pytest()
    assert (done.returncode, project.server.count) == (1, 0)
    assert (
        "there is no cassette cassettes/test_crew/test_one.avcr: "
        "pytest --agentvcr-mode=once test_crew.py::test_one\n"
    ) in done.stdout
    assert project.cassettes() == []


def test_a_changed_prompt_is_shown_with_what_it_was_and_how_to_go_on(project):
    project.write(ONE)
    recorded_and_replayed(project)
    done = project.pytest(WORD="goodbye")
    assert done.returncode == 1
    told = done.stdout.partition("test_one ___")[2].partition("\n")[2].partition("\n---")[0]
    one = "cassettes/test_crew/test_one"
    assert (
        told.partition("\n===")[0]
        == f"""\
no recorded exchange answers POST /v1/chat/completions of lane main
closest is exchange 1: POST /v1/chat/completions of lane main
  request.messages[0].content
    recorded: hello
    now:      goodbye
--agentvcr-on-miss=nearest answers it with that exchange and goes on
changed since the recording: environment: WORD (new)
asked for at test_crew.py:14
every difference: agentvcr diff {one}.avcr {one}.last.avcr
if that is meant, record it anew: pytest --agentvcr-mode=all test_crew.py::test_one""".format(
            one="cassettes/test_crew/test_one"
        )
    )
    assert "test_crew/test_one.last.avcr" in project.cassettes()


def test_a_test_that_swallows_every_error_fails_all_the_same(project):
    project.write("""
@pytest.mark.agentvcr
def test_one():
    try:
        ask(os.environ.get("WORD", "hello"))
    except BaseException:
        pass
""")
    recorded_and_replayed(project)
    done = project.pytest(WORD="goodbye")
    assert done.returncode == 1
    assert "no recorded exchange answers" in done.stdout


def test_nearest_goes_on_with_the_most_similar_answer(project):
    project.write(ONE)
    first, _, _ = recorded_and_replayed(project, "-s")
    done = project.pytest("-s", "--agentvcr-on-miss=nearest", WORD="goodbye")
    assert done.returncode == 0, done.stdout
    assert "told This is answer 1." in first.stdout
    assert "told This is answer 1." in done.stdout


def test_a_difference_that_only_a_teardown_makes_is_an_error_of_it(project):
    project.write("""
@pytest.fixture
def asking():
    yield
    try:
        ask(os.environ.get("WORD", "hello"))
    except BaseException:
        pass

@pytest.mark.agentvcr
def test_one(asking):
    pass
""")
    recorded_and_replayed(project)
    done = project.pytest(WORD="goodbye")
    assert "ERROR at teardown of test_one" in done.stdout
    assert "no recorded exchange answers" in done.stdout


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
    assert old.exists()
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
