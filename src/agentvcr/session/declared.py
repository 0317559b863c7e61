"""The declared rules of matching: those of the project, and those that a cassette keeps.

Owns where they come from and how they are refused. Does not know what a rule means (`matching`),
and reads no cassette, so that a recording need not wait for what does.
"""

from __future__ import annotations

from pathlib import Path

from agentvcr.config.loading import load_config
from agentvcr.errors import AgentVCRError, BadOptionError, CassetteVersionError
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.matching.rules import BadRuleError, each_rule, name_rule, read_rules, write_rules


def project_fingerprinter() -> Fingerprinter:
    """Make fingerprints by the rules of the project that this is run in.

    Raises:
        BadOptionError: Its configuration makes no sense.
    """
    config = load_config(Path.cwd())
    try:
        return Fingerprinter(config.matching)
    except BadRuleError as error:
        raise BadOptionError(
            f"a rule of matching makes no sense: {error}",
            where=config.where("matching"),
            cure=error.cure,
        ) from None


def lacking(declared: bytes) -> tuple[str, ...]:
    """Name the project's rules that are not among those that a cassette keeps.

    For the words of a miss: a configuration that makes no sense is told by who records.
    """
    try:
        own = set(each_rule(read_rules(declared)))
        return tuple(
            name_rule(one) for one in each_rule(project_fingerprinter().rules) if one not in own
        )
    except (AgentVCRError, BadRuleError):
        return ()


def fingerprinter_by(declared: bytes, path: str) -> Fingerprinter:
    """Make fingerprints by rules as a cassette keeps them.

    Raises:
        CassetteVersionError: They are not known.
    """
    try:
        return Fingerprinter(read_rules(declared))
    except BadRuleError as error:
        raise CassetteVersionError(
            f"{path} holds a rule of matching that this AgentVCR does not know: {error}",
            where=path,
            cure="install a newer AgentVCR",
        ) from None


def stored(fingerprinter: Fingerprinter) -> bytes:
    """Write the declared rules as a cassette keeps them; nothing where none were declared."""
    return write_rules(fingerprinter.rules)
