"""Name the tests that the workers of pytest-xdist run: by the test, not by the worker.

Owns that one name. Which worker runs a test is chance, as with any pool; the test's own id is not.
"""

from __future__ import annotations

import os
from itertools import count

from agentvcr.inside import lanes
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Iterator

_WORKER = "PYTEST_XDIST_WORKER"


def hook_runner(module: ModuleType) -> None:
    """Run each test of `_pytest.runner` in its lane, where this process is one of the workers."""
    runner: Any = module
    original = runner.runtestprotocol
    times: dict[str, Iterator[int]] = {}

    @dressed_as(original)
    def runtestprotocol(item: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (pytest's own)
        if _WORKER not in os.environ:
            return original(item, *args, **options)
        from agentvcr.inside.lane import Lane  # noqa: PLC0415  (only a worker)
        from agentvcr.inside.steps import part_of  # noqa: PLC0415  (as above)

        part = "test:" + part_of(str(item.nodeid))
        number = next(times.setdefault(part, count()))
        named = "%s[%d]" % (part, number) if number else part  # run again, by a plugin
        crew = lanes.process().name.rpartition("/")[0] or lanes.process().name
        lanes.take_up(Lane("%s/%s" % (crew, named)), alone=True)
        try:
            return original(item, *args, **options)
        finally:
            lanes.put_down(alone=True)

    runner.runtestprotocol = runtestprotocol
