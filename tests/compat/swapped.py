"""A pytest plugin that puts our cassette in the place of vcrpy's, before any test is imported.

Fails a run in which no search went through our index: then nothing was swapped.
"""

import pytest
import vcr.cassette
import vcr.config

from agentvcr.interop import vcrpy_cassette

_searches = []
_find = vcrpy_cassette.RequestIndex.find


def _counted(self, request):
    _searches.append(1)
    return _find(self, request)


vcrpy_cassette.RequestIndex.find = _counted
vcr.cassette.Cassette = vcr.config.Cassette = vcrpy_cassette.Cassette


def pytest_sessionfinish(session):
    if not _searches:
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


def pytest_report_header():
    return f"cassettes: {vcr.config.Cassette.__module__}"
