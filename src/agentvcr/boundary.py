"""What lies outside the recording: the run's own servers, live services, telemetry.

Owns that decision for an address. Does not act on it: the recorder, the replayer and the guard do.
"""

from __future__ import annotations

import socket
from functools import cached_property
from typing import Final, Literal

from agentvcr.model.address import address_of, is_literal, is_loopback

Place = Literal["outside", "internal", "live", "telemetry"]

TELEMETRY_HOSTS: Final = (
    "api.smith.langchain.com",
    "telemetry.crewai.com",
    "app.posthog.com",
    "us.i.posthog.com",
    "eu.i.posthog.com",
    "api.segment.io",
    "ingest.sentry.io",
    "api.traceloop.com",
    "cloud.langfuse.com",
    "us.cloud.langfuse.com",
    "api.agentops.ai",
    "otlp.nr-data.net",
    "api.honeycomb.io",
    "logfire-api.pydantic.dev",
    "trace.agent.datadoghq.com",
)
"""Collectors of frameworks and vendors. They are reached while recording and refused on replay."""

_OPENAI_TRACES: Final = ("api.openai.com", "/v1/traces/ingest")


_MOST_KEPT = 4096


class Boundary:
    """Knows which addresses are inside, live, or telemetry."""

    def __init__(self, live: tuple[str, ...] = (), telemetry: tuple[str, ...] = ()) -> None:
        """Start with nothing internal.

        Args:
            live: `HOST:PORT` or `HOST` of services that stay live and unrecorded.
            telemetry: More telemetry hosts, beside the declared list.
        """
        self._live = [_live_entry(one) for one in live]
        self._telemetry = (*TELEMETRY_HOSTS, *telemetry)
        self._internal_ports: set[int] = set()
        self._places: dict[str, Place] = {}
        self.has_live = bool(live)

    def listens(self, port: int) -> None:
        """Note that a process of the run listens on a loopback port."""
        self._internal_ports.add(port)
        self._places.clear()

    def place(self, host: str, port: int) -> Place:
        """Say where an address lies; a port of 0 stands for a name look-up."""
        host = host.lower().rstrip(".")
        if any(entry.fits(host, port) for entry in self._live):
            return "live"
        if is_loopback(host):
            return "internal" if port in self._internal_ports else "outside"
        if any(host == known or host.endswith("." + known) for known in self._telemetry):
            return "telemetry"
        return "outside"

    def place_of(self, url: str) -> Place:
        """Say where a URL's host lies; a provider's own trace endpoint is telemetry too."""
        place = self._places.get(url)
        if place is None:
            place = self._place_of(url)
            if len(self._places) < _MOST_KEPT:
                self._places[url] = place
        return place

    def _place_of(self, url: str) -> Place:
        address = address_of(url)
        if address is None:
            return "outside"
        if (address.host, address.path) == _OPENAI_TRACES:
            return "telemetry"
        return self.place(address.host, address.port)


class Unbounded(Boundary):
    """Takes every address for one outside: what another tool recorded is kept, telemetry too."""

    def place(self, host: str, port: int) -> Place:  # noqa: ARG002  (whatever they are)
        """Say that an address lies outside."""
        return "outside"

    def place_of(self, url: str) -> Place:  # noqa: ARG002  (as above)
        """Say that a URL's host lies outside."""
        return "outside"


class _Live:
    """A service that stays live: its name, its port (0: any), and what its name stands for."""

    def __init__(self, host: str, port: int) -> None:
        self._port = port
        self._loopback = is_loopback(host)
        self._host = host

    def fits(self, host: str, port: int) -> bool:
        if port and self._port and port != self._port:
            return False
        if host == self._host or (self._loopback and is_loopback(host)):
            return True
        return is_literal(host) and not is_loopback(host) and host in self._numbers

    @cached_property
    def _numbers(self) -> frozenset[str]:
        """What the name stands for: the program looks it up and then connects to a number."""
        try:
            found = socket.getaddrinfo(self._host, None)
        except OSError:
            return frozenset()
        return frozenset(str(address[0]) for *_, address in found)


def _live_entry(text: str) -> _Live:
    host, _, port = text.lower().rpartition(":")
    if not host or not port.isdigit() or (":" in host and not host.startswith("[")):
        host, port = text.lower(), "0"
    return _Live(host.strip("[]"), int(port))
