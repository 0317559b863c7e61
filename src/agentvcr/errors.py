"""Every error that AgentVCR shows to a user: a class each, with a slug, a cure, an exit status.

Owns the wording's shape (what, where, what to do). Does not print and does not exit: `cli` does.
"""

from __future__ import annotations

from typing import ClassVar


class AgentVCRError(Exception):
    """An expected failure, told in three lines: what happened, where, and what to do about it.

    Attributes:
        slug: The stable name of the error, the anchor of its entry in `docs/reference/errors.md`.
        exit_status: What the command line exits with.
    """

    slug: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 2

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        """Keep the three parts; `str()` of the error is the first of them."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.cure = cure


class NoCommandError(AgentVCRError):
    """`record` was given nothing to run, or a cassette knows no command."""

    slug = "no-command"


class TargetExistsError(AgentVCRError):
    """The file to be written exists already."""

    slug = "target-exists"


class TargetUnwritableError(AgentVCRError):
    """The file to be written cannot be created there."""

    slug = "target-unwritable"


class UntrustedCassetteError(AgentVCRError):
    """A cassette from elsewhere would run a command of its own."""

    slug = "untrusted-cassette"


class BadOptionError(AgentVCRError):
    """An option's value, or the project's configuration, makes no sense."""

    slug = "bad-option"


class CassetteMissingError(AgentVCRError):
    """There is no such cassette."""

    slug = "cassette-missing"
    exit_status = 3


class CassetteEmptyError(AgentVCRError):
    """The file has no bytes, or no run in it."""

    slug = "cassette-empty"
    exit_status = 3


class CassetteForeignError(AgentVCRError):
    """The file is not a cassette."""

    slug = "cassette-foreign"
    exit_status = 3


class CassetteVersionError(AgentVCRError):
    """The cassette is of a version, or holds a record, that this AgentVCR does not know."""

    slug = "cassette-version"
    exit_status = 3


class CassetteDamagedError(AgentVCRError):
    """The cassette's bytes are not what was written."""

    slug = "cassette-damaged"
    exit_status = 3


class CassetteBusyError(AgentVCRError):
    """Another process records into the cassette, or seals it."""

    slug = "cassette-busy"


class NoSuchStepError(AgentVCRError):
    """The run has no step of that path or number."""

    slug = "no-such-step"


class CommandNotFoundError(AgentVCRError):
    """The command to run does not exist, as a shell would say it."""

    slug = "command-not-found"
    exit_status = 127


class CommandNotExecutableError(AgentVCRError):
    """The command to run exists and may not be executed."""

    slug = "command-not-executable"
    exit_status = 126


class SessionOpenError(AgentVCRError):
    """What a session leaves behind was asked for before it had ended."""

    slug = "session-open"


class NotRecordedError(AgentVCRError):
    """Something was not recorded, and the recording was to be strict."""

    slug = "not-recorded"
    exit_status = 5

    def __str__(self) -> str:
        """Tell all of it: a test's report shows no more than this."""
        return f"{self.what}\n[{self.slug}] {self.where}\n{self.cure}"


class DivergenceError(AgentVCRError):
    """A replay in this process did not do what was recorded."""

    slug = "divergence"
    exit_status = 4

    def __str__(self) -> str:
        """Tell all of it: a test's report shows no more than this."""
        return f"{self.what}\n[{self.slug}] {self.where}\n{self.cure}"


class GitRefusedError(AgentVCRError):
    """Git did not do what it was asked to."""

    slug = "git-refused"


class SessionActiveError(AgentVCRError):
    """A second recording or replay was started in one process."""

    slug = "session-active"
