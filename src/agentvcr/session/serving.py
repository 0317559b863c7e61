"""Serve a cassette at the gateway, to whoever asks: a replay without a command.

Owns how its parts are put together, and which addresses clients are to be given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from agentvcr.cassette.reader import last_of, load_run
from agentvcr.channel.hub import Hub
from agentvcr.channel.standing import until_stopped
from agentvcr.errors import BadOptionError
from agentvcr.inside import gateway
from agentvcr.model.run import Run
from agentvcr.model.summary import ServeSummary
from agentvcr.replaying.replayer import OnMiss
from agentvcr.session.recording import why_broken
from agentvcr.session.replaying import Replay, gateway_port, kept_as


def serve_cassette(  # noqa: PLR0913  (the options of the command line)
    path: Path,
    *,
    port: int = 0,
    target: Path | None = None,
    on_miss: OnMiss = "fail",
    pace: float = 0.0,
    force: bool = False,
    ready: Callable[[str, Mapping[str, str]], None] | None = None,
) -> ServeSummary:
    """Answer requests from a cassette until a signal ends it.

    A request that was not recorded is answered with status 501, and the next one is welcome.

    Args:
        path: The cassette.
        port: Where to listen on loopback; by default where the recorded gateway did, if it is free.
        target: Where to keep what was asked; by default beside the cassette, as `.last.avcr`.
        on_miss: What to do about a request that no recorded exchange answers.
        pace: 0 to answer at once, 1 at the recorded pace.
        force: Write over an existing `target`.
        ready: Called with the gateway's address, and with the variables that lead clients to it.

    Raises:
        AgentVCRError: The cassette cannot be read, the port is not free, or nothing can be kept.
    """
    recorded = load_run(path)
    replay = Replay(recorded, on_miss=on_miss, pace=pace, live=(), goes_on=True)
    place = target or last_of(path)
    with kept_as(place, is_new=target is not None, force=force) as journal:
        recorder = replay.recorder(journal, ())
        wanted = port or gateway_port(recorded)
        hub = Hub(recorder, replay.boundary, replay.ledger, gateway_port=wanted)
        try:
            if port and hub.door.port != port:
                raise BadOptionError(
                    f"port {port} is taken",
                    where=f"--port {port}",
                    cure="choose another, or leave it out for one that is free",
                )
            if ready is not None:
                ready(hub.door.base, addresses(recorded, hub.door.base, os.environ))
            until_stopped(hub)
        finally:
            hub.close()
            recorder.close(0, None)
    divergences = replay.ledger.divergences
    return ServeSummary(
        path=str(path),
        kept_as=str(place),
        exchanges=recorder.exchanges - recorder.refused,
        unanswered=tuple(one.message for one in divergences if one.fatal),
        accepted=replay.ledger.told("nearest"),
        added=replay.ledger.told("added"),
        asked_live=replay.ledger.told("live"),
        unused=replay.unused(),
        broken=why_broken(recorder),
    )


def addresses(recorded: Run, base: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that lead clients of the recorded providers to the gateway.

    A provider that no variable stands for is given by its own address.
    """
    asked = {
        _origin(exchange.request.url): exchange.request.url
        for exchange in recorded.exchanges
        if not exchange.internal
    }
    found: dict[str, str] = {}
    for name, usual in gateway.VARIABLES.items():
        upstream = environment.get(name) or usual
        if _origin(upstream) in asked:
            found[name] = gateway.url_for(base, "main", "", upstream)
    covered = {_origin(environment.get(name) or gateway.VARIABLES[name]) for name in found}
    for origin in asked:
        url = gateway.url_for(base, "main", "", origin)
        if url and origin not in covered:
            found[origin] = url
    return found


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
