"""A marked test that leaves its recording fails in our words, and from then on reaches nobody."""

import pytest

from tests.support.pytest_project import ONE, recorded_and_replayed


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
if that is meant, record it anew: pytest --agentvcr-mode=all test_crew.py::test_one"""
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
