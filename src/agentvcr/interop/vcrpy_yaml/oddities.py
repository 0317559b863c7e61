"""What was odd about a cassette, counted while it is read and told in words afterwards.

Owns the words. Does not decide what is odd (`reading`, `bodies`).
"""

from __future__ import annotations

from collections import Counter
from typing import Final

PARSED: Final = (
    "parsed bodies written as compact JSON, so their white space is not that of the wire"
)
VALUE: Final = "bodies that are neither text nor bytes, written as compact JSON"
ENCODING: Final = "content-encoding headers dropped, as the body under them is not encoded"
LENGTH: Final = "content-length headers set to the length of the body that is there"
BARE: Final = "headers with a bare value, read as that one value"
NO_URL: Final = "requests whose URL is not http(s), such as a redacted one: no request finds them"
LOWER: Final = "methods in lower case, kept so: matching does not mind"
NO_RESPONSE: Final = "requests without a response, left out"
NO_REQUEST: Final = "responses without a request, left out"
SURROGATE: Final = "bodies with half a character, which UTF-8 has no form for, kept as three bytes"
VERSIONLESS: Final = "cassettes without a version, read as version 1"
VERSION: Final = "cassettes of a version other than 1, read as version 1"


class Oddities:
    """Counts oddities, each under the words for it."""

    def __init__(self) -> None:
        """Start with none."""
        self._seen: Counter[str] = Counter()

    def saw(self, words: str, times: int = 1) -> None:
        """Count an oddity."""
        if times:
            self._seen[words] += times

    def not_kept(self, name: str) -> None:
        """Count something that has no place in an exchange, by its name in the file."""
        self._seen[f"`{name}` not kept"] += 1

    def told(self) -> tuple[str, ...]:
        """Tell them, in the order in which they were first seen."""
        return tuple(f"{words}: {count}" for words, count in self._seen.items())
