"""The guards of `tests/conftest.py`, each seen to fail the test that leaked."""

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

LEAKS = """
    import os, socket, sys, types
    import pytest

    def test_clean(rounds):
        assert os.environ["COLUMNS"] == "80"
        assert rounds == 7

    def test_leaves_a_variable():
        os.environ["LEFT_BEHIND"] = "1"

    def test_next_sees_no_variable():
        assert "LEFT_BEHIND" not in os.environ

    def test_leaves_a_folder(tmp_path):
        os.chdir(tmp_path)

    def test_swallows_a_connection():
        try:
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        except Exception:
            pass

    def test_swallows_a_look_up():
        try:
            socket.getaddrinfo("host.invalid", 80)
        except Exception:
            pass

    def test_loopback_is_free():
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()

    def test_leaves_a_handler():
        from agentvcr.inside import state
        state.handler = object()

    def test_leaves_a_lane():
        from agentvcr.inside import lanes
        lanes.start("0")

    def test_next_sees_nothing_active():
        from agentvcr.inside import lanes, state
        assert state.handler is None
        assert lanes.current().name == "?"
"""

LEAKING = {
    "test_leaves_a_variable": "*left the environment changed: LEFT_BEHIND*",
    "test_leaves_a_folder": "*left the working directory changed*",
    "test_swallows_a_connection": "*reached beyond loopback: 192.0.2.1:80*",
    "test_swallows_a_look_up": "*reached beyond loopback: host.invalid*",
    "test_leaves_a_handler": "*left AgentVCR active in this process: handler*",
    "test_leaves_a_lane": "*left AgentVCR active in this process: *lane 0*",
}

SKIPS = {
    "test_here": "import pytest\n\ndef test_one():\n    pytest.skip('{reason}')\n",
    "test_whole": "import pytest\n\npytest.skip('{reason}', allow_module_level=True)\n",
}


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    (pytester.path / "allowed_skips.txt").write_text("no moon | seen from here only at night\n")
    return pytester


def test_each_guard_fails_the_test_that_leaked_and_no_other(inner, monkeypatch):
    monkeypatch.setenv("ROUNDS", "7")
    inner.makepyfile(test_leaks=LEAKS)
    result = inner.runpytest_subprocess()
    for name, message in LEAKING.items():
        result.stdout.fnmatch_lines([f"*ERROR at teardown of {name} *", f"E *Failed: {message}"])
    assert result.parseoutcomes() == {"passed": 10, "errors": len(LEAKING)}


@pytest.mark.parametrize("name", SKIPS)
def test_an_unlisted_skip_fails_in_ci_alone(inner, monkeypatch, name):
    inner.makepyfile(**{name: SKIPS[name].format(reason="no sun")})
    monkeypatch.setenv("CI", "true")
    result = inner.runpytest_subprocess()
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*does not list the reason: no sun*"])
    monkeypatch.setenv("CI", "false")
    assert inner.runpytest_subprocess().parseoutcomes() == {"skipped": 1}


@pytest.mark.parametrize("name", SKIPS)
def test_a_listed_skip_is_no_failure_in_ci(inner, monkeypatch, name):
    inner.makepyfile(**{name: SKIPS[name].format(reason="no moon tonight")})
    monkeypatch.setenv("CI", "true")
    assert inner.runpytest_subprocess().parseoutcomes() == {"skipped": 1}
