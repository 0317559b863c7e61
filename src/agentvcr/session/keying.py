"""Read a run for a replay or a comparison: with fingerprints by the rules of today and its own.

Owns that a cassette of older rules is keyed anew in memory, and that two runs which are compared
have fingerprints made by one set of rules. Does not know what a rule means (`matching`).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from agentvcr.cassette.reader import load_run
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rekeying import Rekeyed
from agentvcr.matching.rules import BUILT_IN, declared_in
from agentvcr.model.run import Run
from agentvcr.session.declared import fingerprinter_by, stored


def fingerprinter_of(run: Run) -> Fingerprinter:
    """Make fingerprints by the rules that a run declares, and the built-in ones of today.

    Raises:
        CassetteVersionError: It holds rules that this AgentVCR does not know.
    """
    return fingerprinter_by(declared_in(run), run.path)


def keyed(run: Run, fingerprinter: Fingerprinter) -> Run:
    """Give a run whose fingerprints were made by these rules: the run itself where they were."""
    if is_keyed_by(run, fingerprinter):
        return run
    return msgspec.structs.replace(run, exchanges=Rekeyed(run.exchanges, fingerprinter))


def is_keyed_by(run: Run, fingerprinter: Fingerprinter) -> bool:
    """Whether these are the rules that a run was recorded with."""
    return run.info.rules == BUILT_IN and declared_in(run) == stored(fingerprinter)


def load_keyed(path: Path) -> tuple[Run, Fingerprinter]:
    """Read a run, with fingerprints by the built-in rules of today and those that it declares.

    Raises:
        AgentVCRError: As `load_run` does, or it holds rules that are not known.
    """
    run = load_run(path)
    fingerprinter = fingerprinter_of(run)
    return keyed(run, fingerprinter), fingerprinter


def load_two(a: Path, b: Path) -> tuple[Run, Run]:
    """Read two runs that are to be compared, both by the rules of the first."""
    first, fingerprinter = load_keyed(a)
    return first, keyed(load_run(b), fingerprinter)
