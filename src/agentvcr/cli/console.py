"""How a command hands its result over, and shows that it is still at work.

Owns the choice between a person's view and JSON, and the progress bar. Does not draw results
(`reporters`).
"""

from __future__ import annotations

import contextlib
import io
import sys
from time import monotonic
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agentvcr.model.results import Result
    from agentvcr.model.run import Run


def show_result(result: Result, *, as_json: bool, out: TextIO | None = None) -> None:
    """Write a result on standard output, or where that is a program's, on another stream."""
    stream = sys.stdout if out is None else out
    if isinstance(stream, io.TextIOWrapper):
        # A terminal that knows no "→" gets an escape, and not a traceback.
        stream.reconfigure(errors="backslashreplace")
    if as_json:
        from agentvcr.reporters import json_reporter

        json_reporter.render(result, stream)
    else:
        from agentvcr.reporters import terminal

        terminal.render(result, stream)


def show_text(run: Run) -> None:
    """Write all that a run said on standard output."""
    from agentvcr.reporters import text
    from agentvcr.steps import detail, steps_by_lane, summary

    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace", encoding="utf-8")
    said = run.output("stdout").decode("utf-8", "backslashreplace")
    text.render(summary(run, ()), map(detail, steps_by_lane(run)), said, sys.stdout)


_PATIENCE_S = 1.0
"""Work that is over sooner shows no bar."""


@contextlib.contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function to be told (done, total); draws a bar on stderr once that takes a while."""
    began_s: list[float] = []
    update: list[Callable[[int, int], None]] = []
    with contextlib.ExitStack() as stack:

        def told(done: int, total: int) -> None:
            if update:
                update[0](done, total)
            elif not began_s:
                began_s.append(monotonic())
            elif monotonic() - began_s[0] > _PATIENCE_S and sys.stderr.isatty():
                update.append(_bar(what, stack))

        yield told


def _bar(what: str, stack: contextlib.ExitStack) -> Callable[[int, int], None]:
    from rich.console import Console
    from rich.progress import Progress

    progress = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
    task = progress.add_task(what)
    return lambda done, total: progress.update(task, completed=done, total=total)
