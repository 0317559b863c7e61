"""A marked test makes assertions on its run while it runs, and keeps snapshots of its steps."""

import pytest

CREW = """
import agentvcr as vcr

@vcr.tool(side_effect=True)
def pay(order: str, cents: int) -> bool:
    return True

def crew():
    with vcr.step("plan", agent="planner"):
        ask("Plan.")
    with vcr.step("book", agent="clerk"):
        pay("order-7", 250)
        if os.environ.get("TWICE"):
            pay("order-7", 250)
"""
SNAPSHOTS = (
    CREW
    + """
def test_one(agentvcr):
    with vcr.step("plan", agent="planner"):
        ask("Plan.")
    agentvcr.matches_snapshot("after-plan")
    with vcr.step("book"):
        pay("order-7", int(os.environ.get("CENTS", "250")))
    agentvcr.matches_snapshot()

@pytest.mark.agentvcr(scope="class")
class TestShared:
    def test_a(self, agentvcr):
        ask("a")
        agentvcr.matches_snapshot()

    def test_b(self, agentvcr):
        ask("b")
        agentvcr.matches_snapshot(wording=True)
"""
)
AFTER_PLAN = """\
# agentvcr steps 1
agent plan (planner)
  llm counter -> text
"""


def test_assertions_hold_while_recording_and_while_replaying(project):
    project.write(
        CREW
        + """
@pytest.mark.agentvcr
def test_one(agentvcr):
    crew()
    run = agentvcr.run
    run.in_order("planner", "clerk")
    (paid,) = run.calls("pay", times=1, arguments={"cents": 250})
    assert paid.result is True
    run.no_repeated_calls()
    run.step("plan").within(llm_calls=1, tokens=100)
    run.output_equals("This is answer 1.")
    assert agentvcr.divergences == ()
    ask("more")
    assert len(agentvcr.run.exchanges) == len(run.exchanges) + 1
"""
    )
    first = project.pytest("--agentvcr-mode=once")
    assert first.returncode == 0, first.stdout
    again = project.pytest()
    assert again.returncode == 0, again.stdout
    assert project.server.count == 2
    assert project.cassettes() == ["test_crew/test_one.avcr"]


def test_a_failed_assertion_shows_the_line_of_the_test_and_none_of_ours(project):
    project.write(
        CREW
        + """
def test_one(agentvcr):
    crew()
    agentvcr.run.no_repeated_calls()
"""
    )
    done = project.pytest("--agentvcr-mode=once", TWICE="1")
    assert done.returncode == 1
    assert (
        """\
>       agentvcr.run.no_repeated_calls()
E       agentvcr.assertions.ExpectationFailed: expected no call twice with equal \
arguments, found 1 repeated
E         in the run test_one.avcr
E         called by one caller with equal arguments:
E           4 book/pay  pay({"order":"order-7","cents":250})
E           5 book/pay[1]  pay({"order":"order-7","cents":250})

test_crew.py:32: ExpectationFailed
"""
        in done.stdout
    ), done.stdout


@pytest.fixture
def kept(project):
    """Give a project whose tests are recorded, and whose snapshots are kept."""
    project.write(SNAPSHOTS)
    first = project.pytest("--agentvcr-mode=once", "--agentvcr-update")
    assert first.returncode == 0, first.stdout
    return project


def test_snapshots_are_kept_beside_the_cassette_and_compared(kept):
    folder = kept.folder / "cassettes" / "test_crew"
    names = {one.name: one.read_text(encoding="utf-8") for one in folder.glob("*.txt")}
    assert names == {
        "test_one.after-plan.steps.txt": AFTER_PLAN,
        "test_one.steps.txt": AFTER_PLAN
        + 'agent book\n  tool pay({"cents":250,"order":"order-7"}) -> true\n',
        "TestShared.test_a.steps.txt": "# agentvcr steps 1\nllm counter -> text\n",
        "TestShared.test_b.steps.txt": "# agentvcr steps 1, with wording\n"
        "llm counter -> text This is answer 2.\nllm counter -> text This is answer 3.\n",
    }
    kept.server.stop()
    (folder / "TestShared.test_a.steps.txt").unlink()
    again = kept.pytest()
    assert "changed since the recording" not in again.stdout
    assert (
        """\
E       agentvcr.assertions.ExpectationFailed: expected a snapshot in \
cassettes/test_crew/TestShared.test_a.steps.txt,
E         found none
E         in the run TestShared.avcr
E         to make it: pytest --agentvcr-update test_crew.py::TestShared::test_a
"""
        in again.stdout
    ), again.stdout
    assert "1 failed, 2 passed" in again.stdout


def test_other_steps_fail_the_test_with_the_difference(kept):
    done = kept.pytest("--agentvcr-mode=all", "-k", "test_one", CENTS="9900")
    assert (
        """\
>       agentvcr.matches_snapshot()
E       agentvcr.assertions.ExpectationFailed: expected the steps of \
cassettes/test_crew/test_one.steps.txt, found others
E         in the run test_one.avcr
E         - kept, + found:
E           @@ -3,3 +3,3 @@
E              llm counter -> text
E            agent book
E           -  tool pay({"cents":250,"order":"order-7"}) -> true
E           +  tool pay({"cents":9900,"order":"order-7"}) -> true
E         if that is meant: pytest --agentvcr-update test_crew.py::test_one
"""
        in done.stdout
    ), done.stdout


def test_steps_of_a_test_that_left_its_recording_are_not_kept(kept):
    project = kept
    code = SNAPSHOTS.replace(
        '        pay("order-7", int(os.environ.get("CENTS", "250")))',
        """
        try:
            pay("order-7", int(os.environ.get("CENTS", "250")))
        except BaseException:
            pass
""",
    )
    place = project.folder / "cassettes" / "test_crew" / "test_one.steps.txt"
    before = place.read_bytes()
    project.write(code)
    done = project.pytest("--agentvcr-update", "-k", "test_one", CENTS="9900")
    assert done.returncode == 1
    assert "no recorded exchange answers" in done.stdout
    assert place.read_bytes() == before
