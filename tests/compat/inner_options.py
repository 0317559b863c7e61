"""A pytest plugin that gives the runs inside a run the options that COMPAT_INNER names.

pytester takes PYTEST_ADDOPTS out of the environment of each inner run; here it is put back.
"""

import os

from _pytest.pytester import Pytester

_init = Pytester.__init__


def _with_options(self, *args, **options):
    _init(self, *args, **options)
    self._monkeypatch.setenv("PYTEST_ADDOPTS", os.environ["COMPAT_INNER"])


if Pytester.__init__.__module__ != __name__:  # an inner run imports this file anew
    Pytester.__init__ = _with_options
