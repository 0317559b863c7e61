"""The command line: its commands, and the one place where an error becomes an exit status.

Owns the typer application. A command's own file parses its options, calls the library and hands the
result to a reporter. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TextIO

import typer

from agentvcr import __version__
from agentvcr.cli.demo import demo
from agentvcr.cli.diff import diff
from agentvcr.cli.doctor import doctor
from agentvcr.cli.export import export
from agentvcr.cli.fork import fork
from agentvcr.cli.import_ import import_
from agentvcr.cli.init import init
from agentvcr.cli.ls import ls
from agentvcr.cli.mcp import mcp
from agentvcr.cli.merge_cassette import merge_cassette
from agentvcr.cli.quick import read
from agentvcr.cli.record import record
from agentvcr.cli.rekey import rekey
from agentvcr.cli.replay import replace_command, replay
from agentvcr.cli.serve import serve
from agentvcr.cli.show import show
from agentvcr.cli.suite import suite
from agentvcr.cli.verify import verify
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

_QUICK: dict[str, Callable[..., None]] = {"record": record, "replay": replay}
_TAKE_A_COMMAND = ("replay", "fork")
_PASS_ON = {"allow_interspersed_args": False}  # what follows CMD is its own
app.command(context_settings=_PASS_ON)(record)
app.command()(replay)
app.command()(fork)
app.command("test")(suite)  # pytest would take that name for a test
for _command in (diff, show, ls, verify):
    app.command()(_command)
app.command("import")(import_)  # its function cannot have that name
app.command()(export)
app.command()(rekey)
app.command()(serve)
app.command(context_settings=_PASS_ON)(mcp)
app.command(context_settings=_PASS_ON)(doctor)
app.command()(init)
app.command("merge-cassette", hidden=True)(merge_cassette)
app.command()(demo)


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
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    try:
        _dispatch(sys.argv[1:])
    except AgentVCRError as error:
        sys.stderr.write(told(error))
        sys.exit(error.exit_status)
    except BrokenPipeError:  # the reader of our output went away, as `| head` does
        sys.stderr.close()
        sys.exit(1)


def _nowhere() -> TextIO:
    """Open what stands for a stream that was closed by who called us, for as long as we run."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  (see above)


def _dispatch(words: list[str]) -> None:
    """Run a command; `record` and `replay` by the short cut where it will do."""
    name, *rest = words or [""]
    if name in _TAKE_A_COMMAND and "--" in rest:
        # Not typer's to split: without FILE it would take CMD for it.
        split = rest.index("--")
        rest, typer_words = rest[:split], [name, *rest[:split]]
        replace_command(words[1 + split + 1 :])
    else:
        typer_words = words
    if name in _QUICK:
        line = read(_QUICK[name], rest)
        if line is not None and _run_quickly(name, *line):
            return
    app(args=typer_words)


def _run_quickly(name: str, values: dict[str, object], arguments: list[str]) -> bool:
    """Run a command with the values read; False where typer is to run it."""
    if name == "record":
        values["command"] = arguments[1:] if arguments[:1] == ["--"] else arguments
    elif len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        return False
    elif arguments:
        values["file"] = Path(arguments[0])
    try:
        _QUICK[name](**values)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    return True


def told(error: AgentVCRError) -> str:
    """Tell an error: what, where, what to do."""
    lines = [f"agentvcr: {error.what} [{error.slug}]"]
    if error.where:
        lines.append(f"  where: {error.where}")
    if error.cure:
        lines.append(f"  try:   {error.cure}")
    return "\n".join(lines) + "\n"
