"""Measure one client after the other in every way, and see what each way has recorded.

Owns the rounds of a client and what is known of its recordings. Lays out no table (`clients`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from clients_worker import FAILED, warm_up_of
from exchanges import Place, interleaved
from figures import Rounds
from programs import AGENTVCR, Program
from worker import Order, Sample
from workload import ANSWERS, LOADS

from agentvcr.cassette.reader import load_run
from agentvcr.errors import AgentVCRError
from agentvcr.model.exchange import Exchange

COUNTS = {"small": 40, "stream": 10, "slow": 1}
"""Exchanges of each load in a round."""
_FEWER = 3
"""Rounds at most of the slow load: it waits for most of its time."""
_SCRIPT = "clients_worker.py"


class Measured(NamedTuple):
    """One client's rounds."""

    client: str
    rounds: dict[str, Rounds]
    """By load: bare and all that records."""
    replayed: dict[str, Rounds]
    """By load: bare, and a replay over the channel."""
    engine: dict[str, float]
    """By load: CPU of the recorder over the channel, per exchange."""
    recorded: dict[tuple[str, str], tuple[int, int]]
    """By load and way: how many exchanges its cassette holds whole, and how many there were."""

    def missing(self, load: str, way: str) -> str:
        """Say why a way has no figure, `n/a` where it has nothing to do; empty where it has one."""
        rounds = (self.replayed if way == "replayed" else self.rounds).get(load, {})
        source = {"replay": "here", "replayed": "channel"}.get(way, way)
        held, asked = self.recorded.get((load, source), (0, 0))
        if way not in rounds or (source != way and held < asked):
            return "n/a"
        if rounds[way][-1]["failed"]:
            return "fails"
        if rounds["bare"][-1]["failed"]:  # nothing to stand beside
            return "n/a"
        if held < asked:
            return f"{held} of {asked}" if held else "not recorded"
        return ""

    def failures(self) -> list[str]:
        """Tell what went wrong, once for each load and way."""
        return [
            f"{self.client}, {LOADS[load].title}, {way}: {samples[-1]['failed']}"
            for found in (self.rounds, self.replayed)
            for load, rounds in found.items()
            for way, samples in rounds.items()
            if self.missing(load, way) == "fails"
        ]


class Mortal(Program):
    """A worker whose end, or silence, is told like any other failure of a way."""

    _failed = ""

    def do(self, order: Order) -> Sample:
        """Have a round done, while it does any."""
        if not self._failed:
            try:
                return super().do(order)
            except (RuntimeError, OSError) as error:
                self._failed = " ".join(str(error).split())
        return {**FAILED, "failed": self._failed}


def measured(place: Place, client: str) -> Measured:
    """Measure a client: bare, under vcrpy, in-process, over the channel, and replayed."""
    out = Measured(client, {}, {}, {}, {})
    target = place.folder / f"{client}.avcr"
    plain = Mortal(place.port, script=_SCRIPT)
    channel = Mortal(place.port, [AGENTVCR, "record", "-o", str(target), "--"], _SCRIPT)
    for load, count in COUNTS.items():
        ways = _ways(client, load, plain, channel)
        fitted = _fitted(place, load)
        out.rounds[load], out.engine[load] = interleaved(fitted, ways, client, load, count)
    channel.close()
    for load in COUNTS:
        out.recorded.update(_recorded(place, client, load, target))
    _replay(place, out, plain, target)
    plain.close()
    return out


def _fitted(place: Place, load: str) -> Place:
    return place._replace(rounds=min(place.rounds, _FEWER)) if load == "slow" else place


def _ways(
    client: str, load: str, plain: Program, channel: Program
) -> Sequence[tuple[str, Program]]:
    ways = [("bare", plain), ("vcrpy", plain)]
    if client != "gateway":  # it belongs to a recorded process
        ways.append(("here", plain))
        if load != "slow":
            ways.append(("replay", plain))
    ways.append(("channel", channel))
    return ways if load == "slow" else [*ways, ("again", plain)]


def _replay(place: Place, out: Measured, plain: Program, target: Path) -> None:
    loads = [load for load in COUNTS if load != "slow" and not out.missing(load, "channel")]
    if not loads:
        return
    last = str(target.with_suffix(".last.avcr"))
    program = Mortal(place.port, [AGENTVCR, "replay", str(target), "-o", last, "--"], _SCRIPT)
    ways = [("bare", plain), ("replayed", program)]
    for load in loads:
        out.replayed[load], _ = interleaved(place, ways, out.client, load, COUNTS[load])
    program.close()


def _recorded(
    place: Place, client: str, load: str, target: Path
) -> dict[tuple[str, str], tuple[int, int]]:
    """Count what the cassettes hold: the last round's, and over the channel that of all rounds."""
    kept = place.order("here", client, load, COUNTS[load], 0)
    asked = kept["count"] + warm_up_of(load)
    found = {
        "vcrpy": (_in_yaml(place.order("vcrpy", client, load, 1, 0)["cassette"]), asked),
        "here": (_whole(Path(kept["cassette"]), load), asked),
        "channel": (_whole(target, load), asked * (_fitted(place, load).rounds + 1)),
    }
    return {(load, way): counts for way, counts in found.items()}


def _in_yaml(cassette: str) -> int:
    path = Path(cassette)
    return len(re.findall(r"^- request:", path.read_text(), re.MULTILINE)) if path.exists() else 0


def _whole(cassette: Path, load: str) -> int:
    expected = b"".join(ANSWERS[LOADS[load].path].chunks)
    try:
        exchanges = load_run(cassette).exchanges
    except AgentVCRError:
        return 0
    return sum(_is_whole(one, LOADS[load].path, expected) for one in exchanges)


def _is_whole(exchange: Exchange, path: str, expected: bytes) -> bool:
    if not exchange.request.url.endswith(path) or exchange.response is None:
        return False
    return exchange.response.body == expected
