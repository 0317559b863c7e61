"""Record and replay marked tests.

Owns when a session begins and ends, and how a test fails that left its recording. What is summed up
at the end is in `tally`; how sessions work is `session`'s.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from agentvcr.errors import AgentVCRError, DivergenceError
from agentvcr.pytest_plugin.naming import cassette_of, folder_of
from agentvcr.pytest_plugin.options import Plan, Settings, plan_of, settings_of
from agentvcr.pytest_plugin.tally import Tally
from agentvcr.session.cases import Left, ReplayedCase, begin_case, end_case
from agentvcr.session.here import Recording, Replaying

_NOTHING: Final = "no-cassette.avcr"
_MOST_NAMED: Final = 5


@dataclass
class _Case:
    """A session and what it is for."""

    session: Recording | Replaying
    path: Path
    left_by: str = ""
    """The test that left the recording."""


class Active:
    """What serves the marked tests of one run; registered as a plugin once there is one."""

    def __init__(self, config: pytest.Config) -> None:
        """Serve nobody yet."""
        self._config = config
        self._plans: dict[pytest.Item | pytest.Collector, tuple[Plan, Path]] = {}
        self._cases: dict[pytest.Item | pytest.Collector, _Case] = {}
        self._folder: Path | None = None
        self._tally = Tally(config)

    def take(self, item: pytest.Item) -> None:
        """Prepare a marked test: its session begins before the first of its other fixtures."""
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is None:  # a doctest, or something of another plugin's
            return
        plan = plan_of(item)
        node = self._node_of(item, plan)
        path = cassette_of(item, plan)
        self._plans.setdefault(node, (plan, path))
        self._tally.expects(path, folder_of(item))
        for name in ("agentvcr_config", f"_agentvcr_{plan.scope}"):
            if name in names:
                names.remove(name)
        names[:0] = ["agentvcr_config", f"_agentvcr_{plan.scope}"]

    def _node_of(self, item: pytest.Item, plan: Plan) -> pytest.Item | pytest.Collector:
        if plan.scope == "class":
            return item.getparent(pytest.Class) or item
        return item.getparent(pytest.Module) or item if plan.scope == "module" else item

    # --- around a test, a class or a module -----------------------------------------------------

    def around(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """Have a session in force, as the fixture of a scope."""
        node = request.node
        plan, path = self._plans[node]
        told = request.getfixturevalue("agentvcr_config")
        settings = settings_of(self._config, plan, told, node.nodeid)
        case = self._cases[node] = _Case(self._begin(path, settings, request), path)
        try:
            yield
        finally:
            del self._cases[node]
            self._end(case, node.nodeid)

    def _begin(
        self, path: Path, settings: Settings, request: pytest.FixtureRequest
    ) -> Recording | Replaying:
        if self._folder is None:
            factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
            self._folder = factory.mktemp("agentvcr")
        try:
            return begin_case(path, nothing=self._folder / _NOTHING, **vars(settings))
        except AgentVCRError as error:
            lines = [line for line in (error.what, error.where, error.cure) if line]
            pytest.fail("\n".join(lines), pytrace=False)

    def _end(self, case: _Case, nodeid: str) -> None:
        left = _left(case)
        try:
            end_case(case.session)
        except DivergenceError:
            if left is None:
                raise
            if not case.left_by:  # else a test has failed by it
                raise pytest.fail.Exception(self._told(case, left, nodeid), pytrace=False) from None
        finally:
            self._tally.ended(case.session, case.path)

    def session_of(self, item: pytest.Item) -> Recording | Replaying:
        """Give the session that a test is in."""
        return self._cases[self._node_of(item, plan_of(item))].session

    # --- hooks ----------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test that left its recording, also where it caught what told it so."""
        case = self._cases.get(self._node_of(item, plan_of(item))) if self._cases else None
        if case is None:
            return (yield)
        try:
            result = yield
        except BaseException as error:
            self._check(case, item, error)
            raise
        self._check(case, item, None)
        return result

    def _check(self, case: _Case, item: pytest.Item, error: BaseException | None) -> None:
        left = _left(case)
        if left is None:
            return
        told = f"the recording was left before, in {case.left_by}: nothing is answered any more"
        if not case.left_by:
            case.left_by = item.nodeid
            told = self._told(case, left, item.nodeid, _where(error, item))
        raise pytest.fail.Exception(told, pytrace=False) from None

    def _told(self, case: _Case, left: Left, nodeid: str, where: str = "") -> str:
        """Say how a test left its recording, why that may be, and what to do about it."""
        again = f"pytest --agentvcr-mode={{}} {shlex.quote(nodeid)}"
        lines = [left.message]
        if left.changed:
            lines.append(f"changed since the recording: {left.changed}")
        if where:
            lines.append(f"asked for at {where}")
        path = self._shown(case.path)
        if not case.path.exists():
            return "\n".join([*lines, f"there is no cassette {path}: {again.format('once')}"])
        both = f"{shlex.quote(path)} {shlex.quote(self._shown(left.kept))}"
        lines += [
            f"every difference: agentvcr diff {both}",
            f"if that is meant, record it anew: {again.format('all')}",
        ]
        return "\n".join(lines)

    def _shown(self, path: Path) -> str:
        folder = self._config.invocation_params.dir
        return str(path.relative_to(folder) if path.is_relative_to(folder) else path)

    def pytest_sessionfinish(self) -> None:
        """Hand over what was counted, where this is a worker."""
        self._tally.hand_over()

    def take_from(self, worker: object) -> None:
        """Take in what a worker has counted."""
        self._tally.take_from(worker)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what came of the marked tests, and which cassettes none of them uses."""
        lines = self._tally.lines()
        unused = self._tally.unused()
        if unused and self._config.getoption("agentvcr_prune"):
            for path in unused:
                path.unlink(missing_ok=True)
            lines += [f"deleted {self._shown(path)}" for path in unused]
        elif unused:
            named = ", ".join(self._shown(path) for path in unused[:_MOST_NAMED])
            more = f" and {len(unused) - _MOST_NAMED} more" * (len(unused) > _MOST_NAMED)
            lines.append(f"no test uses {named}{more}: --agentvcr-prune deletes it")
        if lines:
            terminalreporter.section("agentvcr", sep="-")
            terminalreporter.write("\n".join(lines) + "\n")


def _left(case: _Case) -> Left | None:
    return case.session.left() if isinstance(case.session, ReplayedCase) else None


def _where(error: BaseException | None, item: pytest.Item) -> str:
    """Say where in the test's file an error came from."""
    found = ""
    traceback = error.__traceback__ if error else None
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(item.path):
            found = f"{item.path.name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return found
