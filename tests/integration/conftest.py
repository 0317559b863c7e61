"""What the tests here share that pytest must know before they are read."""

import pytest

from tests.support.counter_server import CounterServer

pytest.register_assert_rewrite("tests.support.battery", "tests.support.pytest_project")


@pytest.fixture
def project(tmp_path):
    """Make a folder for tests that ask a provider."""
    from tests.support.pytest_project import Project  # rewritten: it asserts

    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with CounterServer(jitter_ms=(0, 3)) as server:
        yield Project(tmp_path, server)


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """Work in a folder of the test's own, with a key of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def counter_url():
    """Give the address of a provider that numbers its answers."""
    with CounterServer(jitter_ms=(0, 20)) as server:
        yield f"{server.base_url}/v1/chat/completions"
