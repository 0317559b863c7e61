"""What `verify` found out about a cassette, and what a repair saved of it.

Owns these shapes. Does not read a file (`cassette`) and does not draw (`reporters`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

FileState = Literal["sealed", "journal", "torn journal", "damaged"]
"""Packed and whole; whole frames to its end; cut at its tail; or with bytes that nobody wrote."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not as it was written."""

    where: str
    what: str


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved, and where it is now."""

    path: str
    original: str | None
    """Where the file as it was lies now; None where it was left in its place."""
    exchanges: int
    lost: tuple[int, ...]
    """Numbers of the exchanges that could not be saved, as far as they are known."""
    lost_bytes: int = 0
    """Bytes that cannot be read, where it is not known how many exchanges stood in them."""


class Verification(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.verify/1"
):
    """What a cassette is, by each of its checksums and references."""

    path: str
    size: int
    state: FileState
    has_end: bool
    """Whether it says how the run ended."""
    frames: int
    """Frames that are whole."""
    exchanges: int
    in_flight: int
    """Exchanges without an end."""
    pieces: int
    """Pieces of bodies that are stored once each."""
    problems: tuple[Problem, ...]
    repair: Repair | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing and nothing is wrong."""
        return not self.problems


class RefusedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is no cassette."""

    path: str
    error: str
    slug: str


class VerifiedFiles(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.verify-files/1"
):
    """What several files are, each in the order of the command line."""

    files: tuple[Verification, ...]
    refused: tuple[RefusedFile, ...]
