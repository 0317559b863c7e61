"""Results for people, in a terminal: coloured there, plain and 80 columns wide elsewhere.

Owns the choice of a view for a result, and what all views share. Each view is a file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TextIO

from rich.console import Console

from agentvcr.model.imported import Imported
from agentvcr.model.report import SuiteReport
from agentvcr.model.results import Listing, Outline, StepDetail
from agentvcr.reporters.terminal.diff import draw_diff
from agentvcr.reporters.terminal.imported import draw_imported
from agentvcr.reporters.terminal.listing import draw_listing
from agentvcr.reporters.terminal.outline import draw_outline
from agentvcr.reporters.terminal.step import draw_step
from agentvcr.reporters.terminal.suite import draw_suite

if TYPE_CHECKING:
    from agentvcr.model.results import Result

PLAIN_WIDTH = 80


def render(result: Result | SuiteReport, out: TextIO) -> None:
    """Draw a result on `out`."""
    console = console_on(out)
    if console.is_terminal:
        _draw(result, console)
        return
    with console.capture() as drawn:
        _draw(result, console)
    # Tables fill their lines with blanks, which nobody wants in a file or a pipe.
    out.writelines(f"{line.rstrip(' ')}\n" for line in drawn.get().split("\n")[:-1])


def _draw(result: Result | SuiteReport, console: Console) -> None:
    if isinstance(result, Outline):
        draw_outline(result, console)
    elif isinstance(result, StepDetail):
        draw_step(result, console)
    elif isinstance(result, Listing):
        draw_listing(result, console)
    elif isinstance(result, Imported):
        draw_imported(result, console)
    elif isinstance(result, SuiteReport):
        draw_suite(result, console)
    else:
        draw_diff(result, console)


def console_on(out: TextIO) -> Console:
    """Give a console that writes to `out` and reads no markup out of recorded text."""
    terminal = out.isatty()
    colour = terminal and not os.environ.get("NO_COLOR")
    return Console(
        file=out,
        force_terminal=terminal,
        color_system="auto" if colour else None,
        width=None if terminal else PLAIN_WIDTH,
        markup=False,
        emoji=False,
        highlight=False,
    )
