"""The project's configuration: `agentvcr.toml`, or `[tool.agentvcr]` in `pyproject.toml`.

Owns where it is looked for. Does not know its keys (`schema`), nor what a rule of matching means
(`matching`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from agentvcr.errors import BadOptionError
from agentvcr.model.policy import Policy
from agentvcr.model.rules import NONE_DECLARED, Rules

OWN: Final = "agentvcr.toml"
SHARED: Final = "pyproject.toml"
_ROOTS: Final = (".git", SHARED)
_NAME: Final = re.compile(rb"tool\W{1,20}agentvcr")
"""How a file that all tools share names us."""


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What a project configures, and where that stands."""

    matching: Rules = NONE_DECLARED
    test: Policy = Policy()
    file: Path | None = None

    def where(self, key: str) -> str:
        """Say where a key stands, for errors."""
        return "" if self.file is None else _place(self.file, key)


def load_config(folder: Path) -> Config:
    """Read the configuration that holds in a folder: the nearest one, up to the project's root.

    Beside an `agentvcr.toml`, a `pyproject.toml` is not looked into.

    Raises:
        BadOptionError: It cannot be read, or makes no sense.
    """
    for one in (folder, *folder.parents):
        for file in (one / OWN, one / SHARED):
            if _is_there(file) and (told := _told(file)) is not None:
                return _checked(file, told)
        if any(_is_there(one / name) for name in _ROOTS):
            break
    return Config()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder above may be closed to us
        return False


def _place(file: Path, key: str) -> str:
    return f"{file}: {key if file.name == OWN else f'tool.agentvcr.{key}'}"


def _told(file: Path) -> dict[str, Any] | None:
    """Read what a file says to us; None where that is nothing."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadOptionError(
            f"cannot read {file}: {error.strerror}",
            where=str(file),
            cure="check its permissions, or move it away",
        ) from None
    if file.name == SHARED and not _NAME.search(data):
        return None  # so that a recording need not wait for a parser
    import tomllib  # noqa: PLC0415  (as above)

    try:
        told = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadOptionError(
            f"{file.name} is no TOML: {error}", where=str(file), cure="correct it there"
        ) from None
    if file.name == OWN:
        return told
    tool = told.get("tool")
    found = tool.get("agentvcr") if isinstance(tool, dict) else None
    return found if isinstance(found, dict) else None


def _checked(file: Path, told: dict[str, Any]) -> Config:
    from agentvcr.config.schema import Misfit, checked  # noqa: PLC0415  (pydantic takes a while)

    try:
        tables = checked(told)
    except Misfit as error:
        raise BadOptionError(error.what, where=_place(file, error.key), cure=error.cure) from None
    return Config(
        matching=msgspec.convert(tables["matching"], Rules),
        test=msgspec.convert(tables["test"], Policy),
        file=file,
    )
