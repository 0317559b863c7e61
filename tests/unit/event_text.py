"""The text of an event as bytes again, as docs/reference/jsonl-events.md says how.

Owns that decoder and nothing that checks.
"""

from __future__ import annotations

import re


def bytes_of(text: str, encoding: str) -> bytes:
    """Undo how bytes became text."""
    data = text.encode()
    if encoding == "utf-8":
        return data
    return re.sub(rb"\\(\\|x[0-9a-f]{2})", _byte, data)


def _byte(escape: re.Match[bytes]) -> bytes:
    return b"\\" if escape[1] == b"\\" else bytes.fromhex(escape[1][1:].decode())
