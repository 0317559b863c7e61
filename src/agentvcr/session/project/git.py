"""Ask git about the folder of a project, and set what it is to do with cassettes.

Owns the calls of git and its settings. Does not decide what a project needs (`setting_up`).
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agentvcr.errors import GitRefusedError

SETTINGS: Final = {
    "diff.avcr.textconv": "agentvcr show --text",
    "diff.avcr.cachetextconv": "true",
    "merge.avcr.name": "a choice between two recordings",
    "merge.avcr.driver": "agentvcr merge-cassette %O %A %B %P",
    "merge.avcr.recursive": "binary",
}
"""What each clone needs: git takes no settings over from a repository, since they are commands.

`recursive` is for a merge of common ancestors, which is nobody's choice.
"""


@dataclass(frozen=True)
class Git:
    """A folder in a work tree."""

    program: str
    folder: Path
    top: Path
    """The work tree's root."""

    def ask(self, *words: str) -> str:
        """Give what git says to a question; nothing where it has no answer."""
        done = _run(self.program, self.folder, *words)
        return "" if done.returncode else done.stdout.strip()

    def setting(self, name: str) -> str | None:
        """Give a setting that is in force here."""
        done = _run(self.program, self.folder, "config", "--get", name)
        return None if done.returncode else done.stdout.removesuffix("\n")

    def set(self, name: str, value: str) -> None:
        """Set something for this clone.

        Raises:
            GitRefusedError: It could not.
        """
        done = _run(self.program, self.folder, "config", "--local", name, value)
        if done.returncode:
            raise GitRefusedError(
                f"git did not set {name}: {_first_line(done.stderr)}",
                where=str(self.folder),
                cure="mend what git says, then run agentvcr init again: it goes on from here",
            )

    def hooks(self) -> Path:
        """Give the folder of the hooks that this clone runs."""
        return self.folder / self.ask("rev-parse", "--git-path", "hooks")

    def is_private(self, place: Path) -> bool:
        """Whether a place is in what git keeps of this clone, and is never committed."""
        common = self.folder / self.ask("rev-parse", "--git-common-dir")
        return place.resolve().is_relative_to(common.resolve())

    def owns(self, place: Path) -> bool:
        """Whether a place is this repository's, and not other repositories' too."""
        return self.is_private(place) or place.resolve().is_relative_to(self.top.resolve())

    def has_github(self) -> bool:
        """Whether a remote is at GitHub."""
        return "github.com" in self.ask("remote", "-v")


def git_of(folder: Path) -> Git | str:
    """Give git for a folder in a work tree; else why there is none, in a line."""
    program = shutil.which("git")
    if program is None:
        return "git is not installed"
    done = _run(program, folder, "rev-parse", "--show-toplevel")
    if done.returncode:
        return _first_line(done.stderr)
    return Git(program, folder, Path(done.stdout.removesuffix("\n")))


def _run(program: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (git, with words of ours)
        [program, "-C", str(folder), *words],
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
    )


def _first_line(said: str) -> str:
    return said.strip().partition("\n")[0].removeprefix("fatal: ")
