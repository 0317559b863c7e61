"""A marked test that leaves its recording fails in our words, and from then on reaches nobody."""

import re

import pytest
from junitparser.xunit2 import JUnitXml

from tests.support.github_runner import commands
from tests.support.pytest_project import ONE, recorded_and_replayed

BESIDE = """\
llm[0] is asked in other words

  step   1 llm[0] counter
  field  request.messages[0].content

  recorded                              | now
  ------------------------------------- | -------------------------------------
  hello                                 | goodbye

  Changed since the recording:
    environment: SAYS (new), WORD (new)

  To record it anew:
    pytest --agentvcr-mode=all test_crew.py::test_one"""

STOPPED = """\
llm[0] is not what was recorded: the replay was stopped

  step   1 llm[0] counter
  field  request.messages[0].content

  recorded                              | now
  ------------------------------------- | -------------------------------------
  hello                                 | goodbye

  no recorded exchange answers POST /v1/chat/completions of lane main
  closest is exchange 1: POST /v1/chat/completions of lane main
  --agentvcr-on-miss=nearest answers it with that exchange and goes on
  asked for at test_crew.py:14

  Changed since the recording:
    environment: WORD (new)

  Every difference:
    agentvcr diff cassettes/test_crew/test_one.avcr \\
      cassettes/test_crew/test_one.last.avcr

  To record it anew:
    pytest --agentvcr-mode=all test_crew.py::test_one"""


def test_without_a_cassette_a_request_fails_and_reaches_nobody(project):
    project.write(ONE)
    done = project.pytest()
    assert (done.returncode, project.server.count) == (1, 0)
    assert "\nthere is no cassette cassettes/test_crew/test_one.avcr\n" in done.stdout
    assert "    pytest --agentvcr-mode=once test_crew.py::test_one\n" in done.stdout
    assert project.cassettes() == []


def test_a_changed_prompt_is_shown_with_what_it_was_and_how_to_go_on(project):
    project.write(ONE)
    recorded_and_replayed(project)
    done = project.pytest(WORD="goodbye")
    assert done.returncode == 1
    told = done.stdout.partition("test_one ___")[2].partition("\n")[2].partition("\n---")[0]
    assert told.partition("\n===")[0] == STOPPED
    assert all(len(line) <= 80 for line in STOPPED.splitlines())
    assert "test_crew/test_one.last.avcr" in project.cassettes()


def test_a_test_that_fails_by_itself_is_told_what_it_did_otherwise(project):
    project.write("""
@pytest.mark.agentvcr(on_miss="nearest")
def test_one():
    assert ask(os.environ.get("WORD", "hello")) == os.environ.get("SAYS", "This is answer 1.")
""")
    recorded_and_replayed(project)
    done = project.pytest(WORD="goodbye", SAYS="something else")
    assert done.returncode == 1
    assert "AssertionError" in done.stdout
    section = done.stdout.partition("-- agentvcr --")[2].partition("\n")[2]
    assert section.partition("\n---")[0] == BESIDE
    assert "llm[0]" not in project.pytest(SAYS="something else").stdout


STEPS_SUMMARY = """\
# agentvcr: 1 test left the recording

1 replayed; saved 1 call, 9 tokens, 0.0 s

<details><summary><code>test_crew.py::test_one</code></summary>

````text
"""


def test_reports_of_ci_have_it_and_hold_no_command_of_a_model(project):
    project.write(ONE)
    recorded_and_replayed(project)
    page = project.folder / "page.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    hostile = "::error::a%0A\n::set-output name=x::y\n##[group]</code>```<b>\x1b[2J]]>&"
    done = project.pytest("--junitxml=j.xml", "-n1", WORD=hostile, **github)
    assert done.returncode == 1
    (command,) = commands(done.stdout)
    assert command.name == "error"
    title = "regression: test_crew.py::test_one"
    assert command.properties == {"file": "test_crew.py", "line": "14", "title": title}
    assert "is not what was recorded" in command.data
    suite = JUnitXml.fromfile(str(project.folder / "j.xml"))
    (case,) = [case for one in suite for case in one]
    told = {one.name: one.value for one in case.properties()}
    assert told["agentvcr.field"] == "request.messages[0].content"
    assert told["agentvcr.step"] == "1 llm[0]  counter"
    again = "pytest --agentvcr-mode=all test_crew.py::test_one"
    assert told["agentvcr.record"] == again
    text = page.read_text(encoding="utf-8")
    assert re.sub(r"0\.\d s", "0.0 s", text).startswith(STEPS_SUMMARY)
    assert text.count("\n````") == 2
    assert "</details>" in text.rpartition("````")[2]


def test_a_page_that_cannot_be_written_is_told_and_fails_nothing(project):
    project.write(ONE)
    recorded_and_replayed(project)
    done = project.pytest(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY="/nowhere/page")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing added to the job's page: " in done.stdout


def test_a_cassette_is_not_named_out_of_its_folder(project):
    project.write(ONE.replace("agentvcr", 'agentvcr("../../escape")'))
    done = project.pytest("--agentvcr-mode=once")
    assert done.returncode == 4
    assert "'../../escape' leads out of the folder of cassettes" in done.stderr


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


@pytest.mark.parametrize("scope", ["function", "class", "module"])
def test_behind_a_test_that_left_its_recording_nobody_is_reached(scope, project):
    project.write(f"""
pytestmark = pytest.mark.agentvcr(scope="{scope}")

class TestCrew:
    @pytest.fixture
    def asking_at_its_end(self):
        yield
        try:
            ask("the end")
        except BaseException:
            pass

    def test_a(self, asking_at_its_end):
        ask(os.environ.get("WORD", "hello"))

    def test_b(self):
        try:
            ask("b")
        except BaseException:
            pass
""")
    assert project.pytest("--agentvcr-mode=once").returncode == 0
    asked = project.server.count
    done = project.pytest(WORD="goodbye")
    assert (done.returncode, project.server.count) == (1, asked)
    assert done.stdout.count("closest is exchange") == 1
    before = "the recording was left before, in test_crew.py::TestCrew::test_a: nothing is answered"
    assert (before in done.stdout) == (scope != "function")
    assert ("1 failed, 1 passed" if scope == "function" else "2 failed") in done.stdout
    assert "ERROR" not in done.stdout


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
