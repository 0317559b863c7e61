"""Say how tests left their recordings: in pytest's report, its JUnit file, and on GitHub's pages.

Owns what is said of a test, and where it goes. The words of a failure, of an annotation and of a
page are those of `reporters`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from agentvcr.model.report import CaseReport, FailureReport
from agentvcr.reporters import markdown_suite
from agentvcr.reporters.failure import render_failure
from agentvcr.reporters.github import Folders, annotations_of, without_a_command
from agentvcr.reporters.junit import properties_of

Again = Callable[[str], tuple[str, ...]]
_MISSING: Final = "there is no cassette {}"


class Reporting:
    """Words the failures of one run, and keeps them for its end."""

    def __init__(self, config: pytest.Config, failures: list[CaseReport]) -> None:
        """Keep them in `failures`."""
        self._folder = config.invocation_params.dir
        self._root = config.rootpath
        self._failures = failures
        self._is_worker = hasattr(config, "workerinput")  # who started it tells for all

    def shown(self, path: Path | str) -> str:
        """Name a file as a command here takes it."""
        path = Path(path)
        return str(path.relative_to(self._folder) if path.is_relative_to(self._folder) else path)

    def told(  # noqa: PLR0913  (what is known of a failure)
        self,
        failure: FailureReport,
        nodeid: str,
        path: Path,
        *,
        item: pytest.Item | None = None,
        error: BaseException | None = None,
        again: Again | None = None,
    ) -> str:
        """Word how a test left its recording, and keep it for the end.

        Args:
            failure: What it did otherwise.
            nodeid: The test, as pytest takes it.
            path: Its cassette.
            item: The test, whose report gets what a program may want to know.
            error: What it failed with.
            again: Gives the command that records the test in a mode.
        """
        again = again or partial(_again, nodeid)
        told = self._meant_for(failure, nodeid, path, again, _where(error, item))
        case = CaseReport(
            name=nodeid, path=self.shown(path), verdict="regression", passed=False, failure=told
        )
        self._failures.append(case)
        if item is not None:
            item.user_properties.extend(properties_of(case))
        return rendered(told)

    def beside(self, failure: FailureReport, nodeid: str) -> str:
        """Word what a test that failed by itself did otherwise than recorded."""
        again = _again(nodeid, "all")
        return rendered(replace(failure, compare=(), again=again))

    def _meant_for(
        self,
        failure: FailureReport,
        nodeid: str,
        path: Path,
        again: Again,
        where: tuple[Path | None, int | None],
    ) -> FailureReport:
        """Complete a failure by what pytest knows of the test."""
        file, line = where
        text = failure.text
        if file:
            text = "\n".join(filter(None, (text, f"asked for at {file.name}:{line}")))
        told = replace(
            failure,
            text=text,
            compare=tuple(self.shown(one) for one in failure.compare),
            again=again("all"),
            file=str(self._in_root(file)) if file else nodeid.partition("::")[0],
            line=line,
        )
        if path.exists():
            return told
        title = _MISSING.format(self.shown(path))
        return replace(told, title=title, changed=(), compare=(), again=again("once"))

    def _in_root(self, file: Path) -> Path:
        return file.relative_to(self._root) if file.is_relative_to(self._root) else file

    def finish(
        self,
        terminalreporter: pytest.TerminalReporter,
        failures: Sequence[CaseReport],
        sums: Sequence[str],
    ) -> None:
        """Tell GitHub, where this is a step of one of its jobs."""
        if not _is_on_github() or self._is_worker:
            return
        workspace = Path(os.environ.get("GITHUB_WORKSPACE", self._root))
        for line in annotations_of(failures, Folders(workspace, self._root), noun="test"):
            terminalreporter.ensure_newline()
            terminalreporter.write(f"{line}\n")
        page = os.environ.get("GITHUB_STEP_SUMMARY")
        if page and (failures or sums):
            try:
                with Path(page).open("a", encoding="utf-8") as out:
                    markdown_suite.render_tests(sums, failures, out)
            except OSError as error:
                terminalreporter.write(f"nothing added to the job's page: {error}\n")


def rendered(failure: FailureReport) -> str:
    """Write a failure for pytest's report, in which GitHub's runner looks for commands."""
    text = render_failure(failure)
    if not _is_on_github():
        return text
    return "\n".join(map(without_a_command, text.split("\n")))


def _is_on_github() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _again(nodeid: str, mode: str) -> tuple[str, ...]:
    return ("pytest", f"--agentvcr-mode={mode}", nodeid)


def _where(error: BaseException | None, item: pytest.Item | None) -> tuple[Path | None, int | None]:
    """Say where in the test's file an error came from."""
    found: tuple[Path | None, int | None] = (None, None)
    traceback = error.__traceback__ if error and item else None
    while traceback is not None:
        if item and traceback.tb_frame.f_code.co_filename == str(item.path):
            found = item.path, traceback.tb_lineno
        traceback = traceback.tb_next
    return found
