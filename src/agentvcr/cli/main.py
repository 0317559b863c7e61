"""The command line: its commands, and the one place where an error becomes an exit status.

Owns the typer application. A command's own file parses its options, calls the library and hands the
result to a reporter. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from agentvcr import __version__
from agentvcr.cli.demo import demo
from agentvcr.cli.diff import diff
from agentvcr.cli.ls import ls
from agentvcr.cli.record import record
from agentvcr.cli.replay import replay
from agentvcr.cli.show import show
from agentvcr.errors import AgentVCRError

# No rich markup and no rich tracebacks: importing rich would double the start of every recording.
app = typer.Typer(
    name="agentvcr",
    help="Deterministic record and replay for multi-agent LLM pipelines.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PASS_ON = {"allow_interspersed_args": False}  # what follows CMD is its own
app.command(context_settings=_PASS_ON)(record)
app.command()(replay)
for _command in (diff, show, ls, demo):
    app.command()(_command)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"agentvcr {__version__}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Deterministic record and replay for multi-agent LLM pipelines."""


def run() -> None:
    """Run the command line and exit."""
    try:
        app()
    except AgentVCRError as error:
        sys.stderr.write(told(error))
        sys.exit(error.exit_status)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        sys.exit(1)


def told(error: AgentVCRError) -> str:
    """Tell an error: what, where, what to do."""
    lines = [f"agentvcr: {error.what} [{error.slug}]"]
    if error.where:
        lines.append(f"  where: {error.where}")
    if error.cure:
        lines.append(f"  try:   {error.cure}")
    return "\n".join(lines) + "\n"
