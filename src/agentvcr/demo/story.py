"""The tour: record a crew of agents, replay it without its provider, change it, see what changed.

Owns the order of the tour, its words, and the check that each command did what the words say. Does
not record, replay or compare: each of these is a command, run as a user would.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from agentvcr.errors import TargetExistsError

CASSETTE = "crew.avcr"
PROGRAM = "pipeline.py"
OLD_PROMPT = "End with a piece of advice."
NEW_PROMPT = "End with a question to the mayor."
_EXPECTED = {"same": 7, "changed": 1}
"""What the last diff counts: everything but the writer's step is the same."""
_PATIENCE_S = 60


def tell(keep: Path | None = None) -> int:
    """Go through the whole tour.

    Args:
        keep: A folder to leave the program and the cassettes in; it must be new or empty.

    Returns:
        0 if every command ended as the tour says it does, else 1.
    """
    with _project(keep) as folder:
        tour = _Tour(folder)
        wrong = tour.run()
    for complaint in wrong:
        _say(f"Not as expected: {complaint}")
    if keep is not None:
        _say(f"Everything is in {keep}.")
    return 1 if wrong else 0


class _Tour:
    """One walk through the commands, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._wrong: list[str] = []
        self._environment: Mapping[str, str] = os.environ

    def run(self) -> list[str]:
        """Show everything, and give back what went otherwise than the words say."""
        with _provider() as base_url:
            self._environment = _environment(base_url)
            _say(
                "A planner, two researchers side by side and a writer, against a provider that"
                " never says the same thing twice. Record one run:"
            )
            self._command("record", "-o", CASSETTE, "--", "python", PROGRAM)
            _say("What was recorded, step by step:")
            self._command("show", CASSETTE)
        _say("The provider is stopped now. The same program, run again from the cassette alone:")
        self._command("replay", CASSETTE)
        self._change_the_prompt()
        _say(
            f"{PROGRAM} was edited: the writer's prompt says {NEW_PROMPT!r} instead of"
            f" {OLD_PROMPT!r}. The replay stops at the first request that was never recorded,"
            " and says how it differs:"
        )
        self._command("replay", CASSETTE, status=4)
        _say("Let it go on with the nearest recorded answer instead:")
        self._command("replay", CASSETTE, "--on-miss", "nearest", status=1)
        _say("And what did the edit change, of the whole run?")
        self._command("diff", CASSETTE, status=1)
        self._check_that_one_step_changed()
        return self._wrong

    def _command(self, *arguments: str, status: int = 0) -> None:
        """Show and run one command; `status` is what it has to end with."""
        shown = " ".join(("agentvcr", *arguments))
        print(f"\n$ {shown}", flush=True)
        argv = [sys.executable if word == "python" else word for word in arguments]
        try:
            done = subprocess.run(  # noqa: S603 - our own command line
                [sys.executable, "-m", "agentvcr", *argv],
                cwd=self._folder,
                env=self._environment,
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            self._wrong.append(f"`{shown}` took longer than {_PATIENCE_S} s.")
            return
        if done.returncode != status:
            self._wrong.append(f"`{shown}` ended with {done.returncode}, not with {status}.")

    def _check_that_one_step_changed(self) -> None:
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", "agentvcr", "diff", CASSETTE, "--json"],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            timeout=_PATIENCE_S,
            check=False,
        )
        found = json.loads(done.stdout or "{}").get("counts", {})
        if {status: count for status, count in found.items() if count} != _EXPECTED:
            self._wrong.append(f"the diff counts {found}, not {_EXPECTED}.")

    def _change_the_prompt(self) -> None:
        program = self._folder / PROGRAM
        source = program.read_text(encoding="utf-8")
        if source.count(OLD_PROMPT) != 1:
            self._wrong.append(f"{PROGRAM} does not say {OLD_PROMPT!r} exactly once.")
        program.write_text(source.replace(OLD_PROMPT, NEW_PROMPT), encoding="utf-8")


@contextlib.contextmanager
def _project(keep: Path | None) -> Iterator[Path]:
    """Make the folder of the tour, with the program in it."""
    with contextlib.ExitStack() as stack:
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agentvcr-")))
        else:
            folder = keep
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise TargetExistsError(
                    "The folder to keep the demo in is not empty.",
                    where=str(folder),
                    cure="Name a new folder, or empty this one.",
                )
        shutil.copyfile(Path(__file__).with_name(PROGRAM), folder / PROGRAM)
        yield folder


@contextlib.contextmanager
def _provider() -> Iterator[str]:
    """Run the provider in a process of its own; gone, port closed, when the block ends."""
    command = [sys.executable, "-m", "agentvcr.demo.provider"]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
    ) as process:
        stdin, stdout = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        try:
            yield f"http://127.0.0.1:{int(stdout.readline())}"
        finally:
            stdin.close()
            process.wait(_PATIENCE_S)


def _environment(base_url: str) -> Mapping[str, str]:
    """Our environment, with the provider's address, reached without any proxy."""
    unproxied = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return {**os.environ, **unproxied, "DEMO_BASE_URL": base_url}


def _say(words: str) -> None:
    width = min(shutil.get_terminal_size().columns, 80)
    print(f"\n{textwrap.fill(words, width)}", flush=True)
