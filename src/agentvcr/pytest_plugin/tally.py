"""Sum up a run's marked tests: what was replayed and recorded, what that saved, what is not used.

Owns the counts, how they come from the workers of pytest-xdist, and the lines of the summary.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from agentvcr.cassette.reader import cassettes_in
from agentvcr.model.report import CaseReport
from agentvcr.reporters.base import counted
from agentvcr.session.cases import ReplayedCase, Saved
from agentvcr.session.here import Recording, Replaying

_KEY: Final = "agentvcr"


class Tally:
    """The counts of one process."""

    def __init__(self, config: pytest.Config) -> None:
        """Count nothing yet."""
        self._config = config
        self.replayed = 0
        self.recorded = 0
        self.saved = Saved(0, 0, 0.0)
        self.expected: set[str] = set()
        self.folders: set[str] = set()
        self.failures: list[CaseReport] = []
        self.missed: list[tuple[str, str]] = []
        """The cassettes that lack something of what their tests did, and what."""

    def expects(self, path: Path, folder: Path) -> None:
        """Take down the cassette of a collected test, and the folder where its like are."""
        self.expected.add(str(path))
        self.folders.add(str(folder))

    def ended(self, session: Recording | Replaying, path: Path) -> None:
        """Take down how a session went."""
        if isinstance(session, Recording):
            self.recorded += session.summary.exchanges > 0
            self.missed += [(str(path), f"{one.what}: {one.why}") for one in session.summary.missed]
        elif path.exists():
            self.replayed += 1
            if isinstance(session, ReplayedCase):
                self.saved = self.saved.and_(session.saved())

    def told(self) -> dict[str, Any]:
        """Give the counts in a form that a worker can send."""
        return {
            "replayed": self.replayed,
            "recorded": self.recorded,
            "saved": tuple(self.saved),
            "expected": sorted(self.expected),
            "folders": sorted(self.folders),
            "missed": self.missed,
            "failures": [msgspec.json.encode(one).decode() for one in self.failures],
        }

    def add(self, told: dict[str, Any]) -> None:
        """Take in the counts of a worker."""
        self.replayed += told["replayed"]
        self.recorded += told["recorded"]
        self.saved = self.saved.and_(Saved(*told["saved"]))
        self.expected.update(told["expected"])
        self.folders.update(told["folders"])
        self.missed += map(tuple, told["missed"])
        self.failures += [msgspec.json.decode(one, type=CaseReport) for one in told["failures"]]

    def hand_over(self) -> None:
        """Send the counts to the process that started this worker, if it is one."""
        output: dict[str, Any] | None = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_KEY] = self.told()

    def take_from(self, worker: Any) -> None:  # noqa: ANN401  (a node of pytest-xdist)
        """Take in what a worker has sent."""
        told = getattr(worker, "workeroutput", {}).get(_KEY)
        if told is not None:
            self.add(told)

    # --- the summary ----------------------------------------------------------------------------

    def lines(self) -> list[str]:
        """Say what came of it."""
        if not (self.replayed or self.recorded):
            return []
        counts = ((self.replayed, "replayed"), (self.recorded, "recorded"))
        line = ", ".join(f"{count} {word}" for count, word in counts if count)
        if self.replayed:
            saved = self.saved
            calls, tokens = counted(saved.calls, "call"), counted(saved.tokens, "token")
            line += f"; saved {calls}, {tokens}, {saved.seconds:.1f} s"
        return [line]

    def unused(self) -> list[Path]:
        """Name the cassettes that no collected test uses, where all that could were collected."""
        # What failed last (--lf) is picked while files are collected, and not afterwards.
        if self._config.getoption("lf", default=False) or any(
            "::" in one for one in self._config.args
        ):
            return []
        found = {one for folder in self.folders for one in cassettes_in(Path(folder))}
        return sorted(one for one in found if str(one) not in self.expected)
