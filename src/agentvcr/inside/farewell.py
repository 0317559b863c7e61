"""Say in one line where a stopped replay was in the program, in place of a long traceback.

Owns that line. What diverged is told by the engine, which knows the recording.
"""

from __future__ import annotations

import os
import sys

from agentvcr.inside.exchange import ReplayHalt

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any


def install() -> None:
    """Stand before the program's own hook for uncaught exceptions."""
    original = sys.excepthook

    def say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, ReplayHalt):
            _say_where(trace)
        else:
            original(kind, error, trace)

    sys.excepthook = say


def hook_threading(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
    """The same for threads."""
    original = module.excepthook

    def say(args: Any) -> None:  # noqa: ANN401  (threading.ExceptHookArgs)
        if isinstance(args.exc_value, ReplayHalt):
            _say_where(args.exc_traceback)
        else:
            original(args)

    module.excepthook = say


def _say_where(trace: TracebackType | None) -> None:
    place = "an unknown place"
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if not is_foreign(path):
            name = trace.tb_frame.f_code.co_name
            place = "%s, line %d, in %s" % (path, trace.tb_lineno, name)
        trace = trace.tb_next
    line = "agentvcr: the program was stopped at %s\n" % place
    os.write(2, line.encode("utf-8", "backslashreplace"))


def is_foreign(path: str) -> bool:
    """Whether a file is somebody's library: the engineer looks for a line of the program."""
    library = os.path.dirname(os.__file__)
    return "-packages" in path or path.startswith((library, os.path.dirname(__file__), "<"))
