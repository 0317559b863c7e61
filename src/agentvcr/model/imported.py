"""What became of foreign cassettes that were imported: `import`'s result, ready to be drawn.

Owns the shapes. Does not import anything (`session.conversion`) and does not draw (`reporters`).
"""

from __future__ import annotations

import msgspec


class ImportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file: what it became, or why it was refused."""

    source: str
    target: str
    flavour: str | None = None
    """Which way of writing it is; None where it was refused."""
    exchanges: int = 0
    credentials: int = 0
    """How many credentials were replaced by placeholders, each counted once."""
    bytes_before: int
    bytes_after: int = 0
    load_ms_before: float | None = None
    """How long parsing the file took, as its own tool does to use it; None where it was refused."""
    load_ms_after: float | None = None
    """How long reading the cassette took: its story and every exchange."""
    notes: tuple[str, ...] = ()
    """What was lost or repaired on the way, in words; each ends with how often."""
    error: str | None = None
    slug: str | None = None


class ImportTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the files that were imported; `refused` counts the others."""

    imported: int
    refused: int
    exchanges: int
    credentials: int
    bytes_before: int
    bytes_after: int
    load_ms_before: float
    load_ms_after: float
    notes: tuple[str, ...]
    """Those of all files, each with how often in all."""


class Imported(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.import/1"
):
    """What became of each file, in the order of the command line and then by name."""

    totals: ImportTotals
    files: tuple[ImportedFile, ...]
