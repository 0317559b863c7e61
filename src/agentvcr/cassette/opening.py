"""Open a cassette: tell what state it is in, and say clearly what is wrong with it.

Owns the first bytes and the words of every refusal. Reads nothing behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from agentvcr.cassette import format as fmt
from agentvcr.cassette.frames import BrokenError, UnknownRecordError
from agentvcr.errors import (
    CassetteDamagedError,
    CassetteEmptyError,
    CassetteForeignError,
    CassetteMissingError,
    CassetteVersionError,
)

State = Literal["journal", "sealed"]

_MAGICS: dict[bytes, State] = {fmt.JOURNAL: "journal", fmt.SEALED: "sealed"}


def open_cassette(path: Path) -> tuple[BinaryIO, State]:
    """Open a cassette behind its magic.

    Raises:
        CassetteMissingError, CassetteEmptyError, CassetteForeignError, CassetteVersionError: As
            their names say.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise CassetteMissingError(
            f"there is no cassette {path}", where=str(path), cure="agentvcr ls shows those there"
        ) from None
    except OSError as error:
        cure = "name a file in it" if path.is_dir() else "check its permissions"
        raise CassetteMissingError(
            f"cannot read {path}: {error.strerror}", where=str(path), cure=cure
        ) from None
    try:
        return file, _state(file.read(len(fmt.JOURNAL)), path)
    except BaseException:
        file.close()
        raise


def _state(magic: bytes, path: Path) -> State:
    if not magic:
        raise empty(path, "is empty")
    state = next((one for known, one in _MAGICS.items() if known[:-1] == magic[:-1]), None)
    if state is None or len(magic) < len(fmt.JOURNAL):
        raise CassetteForeignError(
            f"{path} is not a cassette", where="its first bytes", cure="name an .avcr file"
        )
    if magic[-1] != fmt.VERSION:
        raise CassetteVersionError(
            f"{path} has format version {magic[-1]}, this AgentVCR reads {fmt.VERSION}",
            where="byte 12",
            cure="install the AgentVCR that wrote it, or a newer one",
        )
    return state


def empty(path: Path, how: str = "holds no run") -> CassetteEmptyError:
    """Make the error for a cassette without a run."""
    return CassetteEmptyError(f"{path} {how}", where=str(path), cure="record it again with --force")


class _Telling:
    """Words what a block raises; no generator, since one stands around every read."""

    __slots__ = ("_is_damage_told", "_offset", "_path")

    def __init__(
        self, path: Path, offset: int | Callable[[], int], *, is_damage_told: bool
    ) -> None:
        self._path = path
        self._offset = offset
        self._is_damage_told = is_damage_told

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        path = self._path
        if isinstance(error, UnknownRecordError):
            raise CassetteVersionError(
                f"{path} holds a record of type {error}, which this AgentVCR does not know",
                where=_byte(self._offset),
                cure="install a newer AgentVCR",
            ) from None
        if isinstance(error, BrokenError) and self._is_damage_told:
            raise CassetteDamagedError(
                f"{path} is damaged: {error}",
                where=_byte(self._offset),
                cure=f"agentvcr verify {path} tells what can be saved",
            ) from None


def told_of(path: Path, offset: int | Callable[[], int]) -> _Telling:
    """Say of which file, and where in it, bytes are broken, as the context of reading them.

    Args:
        path: The file.
        offset: The place, or what tells it when it is asked for.

    Raises:
        CassetteDamagedError, CassetteVersionError: In place of what the block raises.
    """
    return _Telling(path, offset, is_damage_told=True)


def known_to(path: Path, offset: int | Callable[[], int]) -> _Telling:
    """Say of which file, and where in it, there is a record of a later version, as a context.

    Raises:
        CassetteVersionError: In place of what the block raises.
    """
    return _Telling(path, offset, is_damage_told=False)


def _byte(offset: int | Callable[[], int]) -> str:
    return f"byte {offset if isinstance(offset, int) else offset()}"
