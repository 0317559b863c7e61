"""What the fixture `agentvcr` gives a test: its run as far as it has come, and its snapshots.

Owns the names that tests use, and the command that a failure names. What is asserted is
`assertions`; how a session begins and ends is `active`.
"""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from agentvcr.assertions import CheckedRun
from agentvcr.pytest_plugin.naming import snapshot_of
from agentvcr.pytest_plugin.options import UPDATE, plan_of
from agentvcr.replaying.ledger import Divergence
from agentvcr.session.checks import assert_snapshot
from agentvcr.session.here import Recording, Replaying


class MarkedTest:
    """A marked test that is being recorded or replayed."""

    def __init__(self, item: pytest.Item, session: Recording | Replaying) -> None:
        """Ask `session` on behalf of a test."""
        self._item = item
        self.session = session
        """The session that the test is in."""

    @property
    def path(self) -> Path:
        """The cassette that is read or written."""
        return self.session.path

    @property
    def run(self) -> CheckedRun:
        """What was done so far: where tests share a cassette, by all of them."""
        return self.session.run

    @property
    def divergences(self) -> tuple[Divergence, ...]:
        """Where the test left its recording, as far as it has come; empty while recording."""
        return self.session.divergences if isinstance(self.session, Replaying) else ()

    def matches_snapshot(self, name: str = "", *, wording: bool = False) -> None:
        """Fail where the tree of the steps so far is not the one that was kept.

        With `--agentvcr-update` it is written, and the test passes.

        Args:
            name: Tells the snapshots of one test apart.
            wording: With the first words of what models and tools gave.

        Raises:
            ExpectationFailed: It is another, or none was kept.
        """
        __tracebackhide__ = True
        is_updated = bool(self._item.config.getoption("agentvcr_update"))
        has_left = any(one.fatal for one in self.divergences)  # its steps are not to be kept
        assert_snapshot(
            self.run,
            snapshot_of(self._item, plan_of(self._item), name),
            update=is_updated and not has_left,
            wording=wording,
            how=f"pytest {UPDATE} {shlex.quote(self._item.nodeid)}",
        )
