"""What lies outside the recording: the run's own servers, live services, telemetry.

Owns that decision for an address. Does not act on it: the recorder, the replayer and the guard do.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlsplit

Place = Literal["outside", "internal", "live", "telemetry"]

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "0.0.0.0"})  # noqa: S104 (compared)

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


class Boundary:
    """Knows which addresses are inside, live, or telemetry."""

    def __init__(self, live: tuple[str, ...] = (), telemetry: tuple[str, ...] = ()) -> None:
        """Start with nothing internal.

        Args:
            live: `HOST:PORT` or `HOST` of services that stay live and unrecorded.
            telemetry: More telemetry hosts, beside the declared list.
        """
        self._live = frozenset(live)
        self._telemetry = (*TELEMETRY_HOSTS, *telemetry)
        self._internal_ports: set[int] = set()
        self.has_live = bool(live)

    def listens(self, port: int) -> None:
        """Note that a process of the run listens on a loopback port."""
        self._internal_ports.add(port)

    def place(self, host: str, port: int) -> Place:
        """Say where an address lies; a port of 0 stands for a name look-up."""
        host = host.lower().rstrip(".")
        if f"{host}:{port}" in self._live or host in self._live:
            return "live"
        if not port and any(entry.rpartition(":")[0] == host for entry in self._live):
            return "live"
        if host in LOOPBACK or host.startswith("127."):
            return "internal" if port in self._internal_ports else "outside"
        if any(host == known or host.endswith("." + known) for known in self._telemetry):
            return "telemetry"
        return "outside"

    def place_of(self, url: str) -> Place:
        """Say where a URL's host lies; a provider's own trace endpoint is telemetry too."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        if host == _OPENAI_TRACES[0] and parts.path == _OPENAI_TRACES[1]:
            return "telemetry"
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return self.place(host, port)
