"""Let somebody edit a text in their editor, as `git commit` does.

Owns the editor's choice and its file. What the text is for is the caller's.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from agentvcr.errors import BadOptionError

_USUAL = "vi"


def edit(text: str) -> str | None:
    """Open the editor on a text; returns it as saved, or None where nothing was changed.

    Raises:
        BadOptionError: There is no such editor, it failed, or it left something that is no text.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _USUAL
    with tempfile.TemporaryDirectory(prefix="agentvcr-") as folder:
        file = Path(folder) / "answer.txt"
        file.write_bytes(text.encode())
        try:
            # As git does: the variable may hold options, or be a line of shell.
            done = subprocess.run(  # noqa: S602  (the user's own variable)
                f"{editor} {shlex.quote(str(file))}", shell=True, check=False
            )
            after = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise _failed(editor, str(error)) from None
    if done.returncode:
        raise _failed(editor, f"it ended with {done.returncode}")
    if not text.endswith("\n") and after.endswith("\n"):  # which editors put there
        after = after[:-1]
    return None if after == text else after


def _failed(editor: str, why: str) -> BadOptionError:
    return BadOptionError(
        f"nothing was changed: the editor {editor} failed, {why}",
        where="--edit",
        cure="set VISUAL or EDITOR to an editor that waits until the file is closed",
    )
