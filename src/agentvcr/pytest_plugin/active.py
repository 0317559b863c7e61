"""Record and replay marked tests.

Owns when a session begins and ends, and that a test fails that left its recording. In which words
is `reporting`'s, what is summed up at the end `tally`'s; how sessions work is `session`'s.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from agentvcr.errors import AgentVCRError, DivergenceError
from agentvcr.model.report import FailureReport
from agentvcr.pytest_plugin.naming import cassette_of, folder_of
from agentvcr.pytest_plugin.options import MARK, Plan, Settings, plan_of, settings_of
from agentvcr.pytest_plugin.reporting import Reporting
from agentvcr.pytest_plugin.tally import Tally
from agentvcr.session.cases import ReplayedCase, begin_case, end_case
from agentvcr.session.here import Recording, Replaying

_MOST_NAMED: Final = 5
_SCOPES: Final = ("session", "package", "module", "class", "function")


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
        self._nodes: dict[pytest.Item, pytest.Item | pytest.Collector] = {}
        """What the session of each marked test is of."""
        self._cases: dict[pytest.Item | pytest.Collector, _Case] = {}
        self._folder: Path | None = None
        self._tally = Tally(config)
        self.reporting = Reporting(config, self._tally.failures)
        """Tells how tests left their recordings."""

    def take(self, item: pytest.Item) -> None:
        """Prepare a marked test: its session begins before the first fixture of the same scope.

        What is of a broader scope is set up before, for whichever test comes first: it is of none.
        """
        names: list[str] | None = getattr(item, "fixturenames", None)
        if names is None:  # a doctest, or something of another plugin's
            return
        plan = plan_of(item)
        node = self._nodes[item] = self._node_of(item, plan)
        path = cassette_of(item, plan)
        self._plans.setdefault(node, (plan, path))
        self._tally.expects(path, folder_of(item))
        own = ["agentvcr_config", f"_agentvcr_{plan.scope}"]
        others = [name for name in names if name not in own]
        first = sum(_is_broader(item, name, plan.scope) for name in others)  # pytest sorts them
        names[:] = [*others[:first], *own, *others[first:]]

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
            return begin_case(path, scratch=self._folder, **vars(settings))
        except AgentVCRError as error:
            lines = [line for line in (error.what, error.where, error.cure) if line]
            pytest.fail("\n".join(lines), pytrace=False)

    def _end(self, case: _Case, nodeid: str) -> None:
        failure = _left(case)
        try:
            end_case(case.session)
        except DivergenceError:
            if failure is None:
                raise
            if not case.left_by:  # else a test has failed by it
                told = self.reporting.told(failure, nodeid, case.path)
                raise pytest.fail.Exception(told, pytrace=False) from None
        finally:
            self._tally.ended(case.session, case.path)

    def session_of(self, item: pytest.Item) -> Recording | Replaying:
        """Give the session that a test is in."""
        return self._cases[self._nodes[item]].session

    def _case_of(self, item: pytest.Item) -> _Case | None:
        """Give what a test is in; None where it is not marked."""
        node = self._nodes.get(item)
        return None if node is None else self._cases.get(node)

    # --- hooks ----------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test that left its recording, also where it caught what told it so."""
        case = self._case_of(item)
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
        failure = _left(case)
        if failure is None:
            return
        told = f"the recording was left before, in {case.left_by}: nothing is answered any more"
        if not case.left_by:
            case.left_by = item.nodeid
            told = self.reporting.told(failure, item.nodeid, case.path, item=item, error=error)
        raise pytest.fail.Exception(told, pytrace=False) from None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say beside a test's own failure what it did otherwise than recorded."""
        report = yield
        case = self._case_of(item)
        if case is None or not report.failed or case.left_by or call.when != "call":
            return report
        if isinstance(case.session, ReplayedCase):
            failure = case.session.differing()
            if failure is not None:
                report.sections.append((MARK, self.reporting.beside(failure, item.nodeid)))
        return report

    def pytest_sessionfinish(self) -> None:
        """Hand over what was counted, where this is a worker."""
        self._tally.hand_over()

    def take_from(self, worker: object) -> None:
        """Take in what a worker has counted."""
        self._tally.take_from(worker)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what came of the marked tests, and which cassettes none of them uses."""
        lines = self._tally.lines()
        sums = list(lines)
        unused = self._tally.unused()
        shown = self.reporting.shown
        missed = [f"{shown(Path(path))} lacks {what}" for path, what in self._tally.missed]
        lines += missed[:_MOST_NAMED]
        if len(missed) > _MOST_NAMED:
            lines.append(f"and {len(missed) - _MOST_NAMED} more that are not in the cassettes")
        if unused and self._config.getoption("agentvcr_prune"):
            for path in unused:
                path.unlink(missing_ok=True)
            lines += [f"deleted {shown(path)}" for path in unused]
        elif unused:
            named = ", ".join(map(shown, unused[:_MOST_NAMED]))
            more = f" and {len(unused) - _MOST_NAMED} more" * (len(unused) > _MOST_NAMED)
            lines.append(f"no test uses {named}{more}: --agentvcr-prune deletes it")
        if lines:
            terminalreporter.section(MARK, sep="-")
            terminalreporter.write("\n".join(lines) + "\n")
        self.reporting.finish(terminalreporter, self._tally.failures, sums)


def _is_broader(item: pytest.Item, name: str, scope: str) -> bool:
    """Whether a fixture is of a broader scope than a session."""
    info = getattr(item, "_fixtureinfo", None)
    found = info.name2fixturedefs.get(name, ()) if info is not None else ()
    return any(_SCOPES.index(one.scope) < _SCOPES.index(scope) for one in found[-1:])


def _left(case: _Case) -> FailureReport | None:
    return case.session.left() if isinstance(case.session, ReplayedCase) else None
