"""Find in a command line the addresses that curl and its like are told to fetch, past the gateway.

Owns the reading of such commands. What they find in files, variables or standard input is unseen.
"""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Iterator, Sequence

_FETCHERS = ("curl", "wget", "wget2", "http", "https", "xh", "aria2c", "websocat")
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ash")
_ADDRESS = re.compile(r"(https?|wss?)://([^\s/?#\"'|;&()<>`$]+)([^\s?#\"'|;&()<>`]*)")
_COMMAND = re.compile(r"(?:^|[\s|;&(`])(%s)\s([^|;&\n]*)" % "|".join(_FETCHERS))
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def past_the_gateway(
    words: Sequence[str], base: str, *, is_text: bool
) -> Iterator[tuple[str, int, str]]:
    """Give host, port and name of each address that a command fetches and the gateway does not see.

    Args:
        words: The command; a shell's text is one word.
        base: The gateway's own address.
        is_text: Whether a shell reads it.
    """
    program = os.path.basename(words[0]) if words else ""
    if is_text or program in _SHELLS:
        for word in words if is_text else words[1:]:
            for found in _COMMAND.finditer(word):
                yield from _fetched(found[1], found[2], base)
    elif program in _FETCHERS:
        yield from _fetched(program, " ".join(words[1:]), base)


def _fetched(program: str, text: str, base: str) -> Iterator[tuple[str, int, str]]:
    for scheme, netloc, path in _ADDRESS.findall(text):
        place = netloc.rpartition("@")[2]
        host, _, port = place.partition(":")
        if place[:1] == "[":
            host, _, port = place[1:].partition("]")
            port = port[1:]
        if host and not (base + "/").startswith("%s://%s/" % (scheme, place)):
            number = int(port) if port.isdigit() else _PORTS[scheme]
            yield host, number, "%s %s://%s%s" % (program, scheme, place, path)
