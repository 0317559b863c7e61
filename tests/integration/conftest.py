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
