"""Count what is recorded and what is not, as it goes: by host, by client, by process, in bytes.

Owns these counts and the reason that is given for each thing that is not in the cassette. Nothing
is read a second time for it, and what it is told has no credentials in it any more.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from agentvcr.model.address import DEFAULT_PORTS, address_of
from agentvcr.model.exchange import CALL_CLIENT
from agentvcr.model.run import ANSWERED
from agentvcr.model.summary import ClientCount, HostCount, NotRecorded, ProcessCount
from agentvcr.model.text import PYTHON

WHY: Final = {
    "broken": "the recording broke",
    "silent": "no Python process of it spoke: none printed or asked, or all ran with -I -E -S",
    "unrecorded": "reached past every recorded client",
    "unentered": "not entered, so nothing of it was seen",
    "lost": "passed unrecorded over an error of AgentVCR's own",
    "live": "named with --live",
    "telemetry": "telemetry",
}
"""Why something is not in the cassette, by its kind."""

_CHOSEN: Final = ("live", "telemetry")
_SAID_ITSELF: Final = "not a kind of traffic that this version records"
_MOST_KINDS: Final = 10_000
"""Different things counted one by one; what comes after is not told apart."""
_SHIM: Final = "/inside/mcp/shim.py"
_MOST_COMMANDS: Final = 5
"""Different commands told one by one; of more than these the arguments are left out."""
_MOST_COMMAND: Final = 50
"""Characters of a process's command that its one line holds at most."""


class Tally:
    """The counts of one recording."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.sent = 0
        """Bytes of the bodies of requests."""
        self.received = 0
        """Bytes of the bodies of answers."""
        self._origins: Counter[str] = Counter()
        self._internal: set[str] = set()
        self._clients: Counter[str] = Counter()
        self._processes: Counter[int] = Counter()
        self._commands: dict[int, tuple[str, ...]] = {}
        self._notes: Counter[tuple[str, str]] = Counter()
        self._unentered: list[str] = []

    def is_new_command(self, argv: Sequence[str], *, seen: bool) -> bool:
        """Whether a command that does not let us in is told for the first time.

        One that was `seen` may be a part of what its starter has told of.
        """
        whole, part = " ".join(argv), " ".join(argv[1:])
        if whole in self._unentered or (seen and any(part in told for told in self._unentered)):
            return False
        self._unentered.append(whole)
        return True

    def process(self, index: int, argv: Sequence[str]) -> None:
        """Count a process."""
        self._commands[index] = tuple(argv)

    def began(self, url: str, client: str, process: int, sent: int, *, internal: bool) -> None:
        """Count an exchange."""
        self._clients[client] += 1
        self._processes[process] += 1
        if client == CALL_CLIENT:
            return  # a function's arguments go to no host
        end = url.find("/", url.find("://") + 3)
        origin = url if end < 0 else url[:end]
        if origin in self._origins or len(self._origins) < _MOST_KINDS:
            self._origins[origin] += 1
        if internal:
            self._internal.add(origin)
        self.sent += sent

    def note(self, kind: str, text: str, count: int = 1) -> None:
        """Count what is no exchange; only those that mean that something is not recorded."""
        if kind in WHY:
            shown = text.replace(PYTHON, "python") if kind == "unentered" else text
            key = (kind, _place(text) if kind in _CHOSEN else shown)
            if key in self._notes or len(self._notes) < _MOST_KINDS:
                self._notes[key] += count

    def by_host(self) -> tuple[HostCount, ...]:
        """Give the exchanges with each address."""
        counts: Counter[str] = Counter()
        internal = set()
        for origin, count in self._origins.items():
            host = _host(origin)
            counts[host] += count
            if origin in self._internal:
                internal.add(host)
        return tuple(
            HostCount(host=host, exchanges=count, internal=host in internal)
            for host, count in counts.most_common()
        )

    def by_client(self) -> tuple[ClientCount, ...]:
        """Give the exchanges through each client."""
        return tuple(
            ClientCount(client=client, exchanges=count)
            for client, count in self._clients.most_common()
        )

    def by_process(self) -> tuple[ProcessCount, ...]:
        """Give the exchanges of each command's processes, also where it made none."""
        named = {index: _named(argv) for index, argv in self._commands.items()}
        if len(set(named.values())) > _MOST_COMMANDS:
            named = {index: _program(words) for index, words in named.items()}
        counts = Counter(dict.fromkeys(named.values(), 0))
        for index, count in self._processes.items():
            counts[named.get(index, ())] += count
        many = Counter(named.values())
        return tuple(
            ProcessCount(command=_line(words), processes=many[words], exchanges=count)
            for words, count in counts.most_common()
        )

    def not_recorded(self) -> Iterator[NotRecorded]:
        """Give what is not in the cassette, what was chosen last."""
        for chosen in (False, True):
            for (kind, text), count in self._notes.items():
                if (kind in _CHOSEN) == chosen:
                    yield missing(kind, text, count)

    def unrecorded(self) -> Iterator[str]:
        """Give the addresses that were reached past every interceptor, and who was not entered."""
        yield from (text for kind, text in self._notes if kind == "unrecorded")
        for (kind, text), count in self._notes.items():
            if kind == "unentered":
                yield from [f"not entered: {text}"] * count


def missing(kind: str, what: str, count: int = 1) -> NotRecorded:
    """Say why something is not in the cassette."""
    # An address is a word; what is told in words says what it is.
    told = kind == "unrecorded" and " " in what
    why = _SAID_ITSELF if told else WHY[kind]
    return NotRecorded(kind=kind, what=what, why=why, count=count, by_choice=kind in _CHOSEN)


def _place(text: str) -> str:
    """Find the host in the note of a request, or of an address."""
    asked = text.partition(ANSWERED)[0]
    return _host(asked.partition(" ")[2] if "://" in asked else asked)


def _host(url: str) -> str:
    address = address_of(url)
    if address is None or not address.host:
        scheme, mark, rest = url.partition("://")
        return rest.partition("/")[0] or scheme if mark else url
    host = f"[{address.host}]" if ":" in address.host else address.host
    own = address.port in (0, DEFAULT_PORTS.get(address.scheme))
    return host if own else f"{host}:{address.port}"


def _named(argv: Sequence[str]) -> tuple[str, ...]:
    """Name interpreter and script without their folders, and a pool's worker for what it is."""
    words = ["python" if word == PYTHON else word for word in argv]
    if words[1:] and words[1].replace("\\", "/").endswith(_SHIM):
        served = [_file(word) if word.endswith(".py") else word for word in words[2:]]
        words = ["agentvcr", "mcp", *served]
    if "--multiprocessing-fork" in words:  # what stands before it differs by numbers alone
        words[1:] = ["--multiprocessing-fork"]
    if words:
        words[0] = _file(words[0])
    script = _script(words)
    if script < len(words) and words[script].endswith(".py"):
        words[script] = _file(words[script])
    return tuple(words)


def _program(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the arguments of a script."""
    taken = words[: _script(words) + 1]
    return taken[: taken.index("-c") + 1] if "-c" in taken else taken


def _script(words: Sequence[str]) -> int:
    """Find the first word that is no option of the interpreter."""
    return next((n for n, word in enumerate(words[1:], 1) if word[:1] != "-"), len(words))


def _file(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _line(words: Sequence[str]) -> str:
    line = " ".join(shlex.join(words).split())
    return line if len(line) <= _MOST_COMMAND else f"{line[: _MOST_COMMAND - 1]}…"
