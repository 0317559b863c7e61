"""A pytest plugin that has vcrpy's cassettes answered by our interceptors, for the whole run.

Fails a run in which no cassette was held by ours: then vcrpy's patches did the work.
"""

import pytest
import vcr.config

from agentvcr.session import vcrpy

_held = []
_in_use = vcrpy.in_use


def _counted(cassette):
    _held.append(1)
    return _in_use(cassette)


vcrpy.in_use = _counted
vcrpy.take_over()


def pytest_sessionfinish(session):
    if not _held:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def pytest_report_header():
    return f"cassettes: {vcr.config.Cassette.__module__}"
