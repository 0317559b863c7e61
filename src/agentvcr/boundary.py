"""What lies outside the recording: the run's own servers, live services, telemetry.

Owns that decision for an address. Does not act on it: the recorder, the replayer and the guard do.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from functools import cached_property
from ipaddress import ip_address
from typing import Final, Literal

from agentvcr.errors import BadOptionError
from agentvcr.model.address import Address, address_of, is_literal, is_loopback

Place = Literal["outside", "internal", "live", "telemetry", "gateway"]

_DATADOG: Final = tuple(
    f"{intake}.{site}"
    for intake in (
        "trace.agent",
        "llmobs-intake",
        "instrumentation-telemetry-intake",
        "http-intake.logs",
        "public-trace-http-intake.logs",
    )
    for site in (
        "datadoghq.com",
        "us3.datadoghq.com",
        "us5.datadoghq.com",
        "ap1.datadoghq.com",
        "ap2.datadoghq.com",
        "datadoghq.eu",
        "ddog-gov.com",
    )
)

TELEMETRY_HOSTS: Final = (
    "api.smith.langchain.com",  # eu., aws. and apac. lie below it
    "telemetry.crewai.com",
    "i.posthog.com",
    "app.posthog.com",
    "us.posthog.com",
    "eu.posthog.com",
    "logfire-us.pydantic.dev",
    "logfire-eu.pydantic.dev",
    "logfire-api.pydantic.dev",
    "cloud.langfuse.com",
    "api.traceloop.com",
    "api.agentops.ai",
    "otlp.agentops.ai",
    "api.braintrust.dev",
    "www.braintrust.dev",
    "ingest.sentry.io",
    "ingest.us.sentry.io",
    "ingest.de.sentry.io",
    "api.segment.io",
    "otlp.nr-data.net",
    "otlp.eu01.nr-data.net",
    "api.honeycomb.io",
    "otlp.arize.com",
    *_DATADOG,
)
"""Collectors of frameworks and vendors. They are reached while recording, and not on replay."""

TELEMETRY_PATHS: Final = (
    ("api.openai.com", "/v1/traces/ingest"),
    ("app.crewai.com", "/crewai_plus/api/v1/tracing"),
    ("huggingface.co", "/api/telemetry"),
    ("huggingface.co", "/api/agent-harnesses"),  # words a User-Agent, is kept on disk for a day
    ("os-api.agno.com", "/telemetry"),
    ("api.browser-use.com", "/api/v1/events"),
    ("www.comet.com", "/opik/api/v1/private/traces"),
    ("www.comet.com", "/opik/api/v1/private/spans"),
    ("www.comet.com", "/opik/api/is-alive"),
)
"""Telemetry on hosts of other things too: a host and the start of a path, in whole segments."""

DATA_PATHS: Final = (
    ("api.smith.langchain.com", "/commits"),
    ("api.smith.langchain.com", "/repos"),
    ("api.smith.langchain.com", "/datasets"),
    ("api.smith.langchain.com", "/examples"),
    ("api.smith.langchain.com", "/runs/query"),
    ("cloud.langfuse.com", "/api/public/v2"),
    ("cloud.langfuse.com", "/api/public/dataset-items"),
    ("cloud.langfuse.com", "/api/public/traces"),
    ("api.traceloop.com", "/v1/traceloop"),
    ("api.traceloop.com", "/v2"),
    ("api.braintrust.dev", "/v1"),
    ("logfire-us.pydantic.dev", "/v1/variables"),
    ("logfire-us.pydantic.dev", "/v1/datasets"),
    ("logfire-eu.pydantic.dev", "/v1/variables"),
    ("logfire-eu.pydantic.dev", "/v1/datasets"),
    ("i.posthog.com", "/flags"),
    ("i.posthog.com", "/decide"),
    ("us.posthog.com", "/api"),
    ("eu.posthog.com", "/api"),
    ("app.posthog.com", "/api"),
)
"""What a program asks a collector for and uses: prompts, data sets, flags. It is recorded."""


TELEMETRY_VARIABLES: Final = (
    "CREWAI_TELEMETRY_ENDPOINT",
    "DD_TRACE_AGENT_URL",
    "LANGCHAIN_ENDPOINT",
    "LANGFUSE_HOST",
    "LANGSMITH_ENDPOINT",
    "LOGFIRE_BASE_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "PHOENIX_COLLECTOR_ENDPOINT",
    "SENTRY_DSN",
    "TRACELOOP_BASE_URL",
)
"""Variables that name a collector of one's own, as the clients of the list above read them."""

SYSTEM_SOCKETS: Final = (
    "/dev/log",
    "/run/systemd/",
    "/run/nscd/",
    "/run/avahi-daemon/",
    "/run/nslcd/",
    "/var/lib/sss/",
    "/run/syslog",
)
"""Unix sockets of the system itself: its log, and who looks up users and names for it. What they
hold is no more part of a run's outside than a file in /etc is."""

_UNIX = "unix:"
_MOST_KEPT = 4096


class Boundary:
    """Knows which addresses are inside, live, or telemetry."""

    def __init__(
        self,
        live: tuple[str, ...] = (),
        telemetry: tuple[str, ...] = (),
        *,
        asks_live: bool = False,
    ) -> None:
        """Start with nothing internal.

        Args:
            live: `HOST:PORT` or `HOST` of services that stay live and unrecorded.
            telemetry: `HOST:PORT` or `HOST` of more collectors, beside the declared list.
            asks_live: A recorded client may go out for what is not in the recording.

        Raises:
            BadOptionError: One of `live` is no such address.
        """
        self._live = [_checked(one) for one in live]
        self._collectors = [_live_entry(one) for one in telemetry]
        self._internal_ports: set[int] = set()
        self._gateway_port = 0
        self._places: dict[str, Place] = {}
        self.asks_live = asks_live
        """Whether a recorded client may go out for what is not in the recording."""
        self._let_out: set[str] = set()
        self.has_live = bool(live) or asks_live
        """Whether some services stay live: then the network is there, and so are proxies."""

    def listens(self, port: int) -> None:
        """Note that a process of the run listens on a loopback port."""
        self._internal_ports.add(port)
        self._places.clear()

    def let_out(self, url: str) -> None:
        """Note that a request is to go out: the host's name is looked up next."""
        address = address_of(url)
        if address is not None:
            self._let_out.add(address.host)

    def lets_out(self, host: str, port: int, *, by_client: bool) -> bool:
        """Whether a replayed program may reach an address in order to ask for what is new.

        Args:
            host: What it reaches for.
            port: The same; 0 for a name look-up, which may be another thread's.
            by_client: Whether a recorded client does, for a request that is recorded.
        """
        return self.asks_live and (by_client or (not port and host in self._let_out))

    def gateway_at(self, port: int) -> None:
        """Note where the gateway is: it records what it is asked itself."""
        self._gateway_port = port
        self._places.clear()

    def place(self, host: str, port: int) -> Place:
        """Say where an address lies; a port of 0 stands for a name look-up."""
        host = host.lower().rstrip(".")
        if port and port == self._gateway_port and is_loopback(host):
            return "gateway"
        if any(entry.fits(host, port) for entry in self._live):
            return "live"
        if any(entry.fits(host, port) for entry in self._collectors):
            return "telemetry"
        if is_loopback(host):
            return "internal" if port in self._internal_ports else "outside"
        if any(_lies_at(host, known) for known in TELEMETRY_HOSTS):
            return "telemetry"
        return "outside"

    def kind_of_passing(self, host: str, port: int) -> str | None:
        """Say as what a recording notes an address that was reached past every recorded client.

        Args:
            host: A host, or `unix:PATH`.
            port: The same; 0 for what has none.

        Returns:
            The kind of the note; None where nothing is missed: a server of the run itself, the
            gateway, or a socket of the system.
        """
        if host.startswith(_UNIX) and _is_of_system(host.removeprefix(_UNIX)):
            return None
        place = self.place(host, port)
        if place in ("internal", "gateway"):
            return None
        return "unrecorded" if place == "outside" else place

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
        place = self.place(address.host, address.port)
        if place == "telemetry" and _lists(DATA_PATHS, address):
            return "outside"
        if place == "outside" and _lists(TELEMETRY_PATHS, address):
            return "telemetry"
        return place


def own_collectors(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Find the collectors that the environment names, as `HOST:PORT`."""
    named = (environment[name] for name in TELEMETRY_VARIABLES if name in environment)
    found = (address_of(url) for url in named if url)
    return tuple(
        f"{one.host}:{one.port}" for one in found if one is not None and one.host and one.port
    )


def why_blocked(host: str, port: int, lane: str, advice: str = "--live {}", what: str = "") -> str:
    """Say that a replayed program reaches past every recorded client, and what to do.

    Args:
        host: What it reaches for.
        port: The same; 0 for a name look-up.
        lane: The caller.
        advice: How an address is left live, in the words of whoever asked for the replay.
        what: What it asks of the address, where a client is known that is not recorded.
    """
    where = f"{host}:{port}" if port else host
    said = (
        f"the program asks for {what} (lane {lane}), which is not in the recording"
        if what
        else f"the program reaches for {where} (lane {lane}) past every recorded client"
    )
    return f"{said}; {advice.format(where)} leaves it to the real service"


def name_unrecorded(host: str, port: int, what: str = "") -> str:
    """Name what was reached and not recorded: what for, if known, else the address."""
    return what or (f"{host}:{port}" if port else host)


UPGRADED: Final = 101
"""The status of an answer behind which another protocol is spoken."""


def name_upgrade(url: str, client: str, headers: Sequence[tuple[bytes, bytes]]) -> str:
    """Name a connection that an HTTP client handed over to another protocol."""
    protocols = [value.decode("latin-1") for name, value in headers if name.lower() == b"upgrade"]
    scheme, mark, rest = url.partition("?")[0].partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    where = f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"
    if "websocket" in (one.lower() for one in protocols):
        for plain, own in (("http://", "ws://"), ("https://", "wss://")):
            where = own + where.removeprefix(plain) if where.startswith(plain) else where
        return f"websocket {where} ({client})"
    return f"upgrade to {', '.join(protocols) or 'another protocol'} {where} ({client})"


def _is_of_system(path: str) -> bool:
    name = path.removeprefix("/var") if path.startswith("/var/run/") else path
    return name.startswith(SYSTEM_SOCKETS)


def _lies_at(host: str, known: str) -> bool:
    return host == known or host.endswith("." + known)


def _lists(paths: tuple[tuple[str, str], ...], address: Address) -> bool:
    return any(
        _lies_at(address.host, host) and f"{address.path}/".startswith(f"{start}/")
        for host, start in paths
    )


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


_LIVE = re.compile(r"(?:(?P<host>[\w.-]+)|\[(?P<number>[^\]]+)\])(?::(?P<port>[0-9]{1,5}))?")
_MOST_PORT = 65535


def _checked(text: str) -> _Live:
    """Read what a user leaves live: one that fits no address would only open the network."""
    if text.startswith(_UNIX):
        return _live_entry(text)
    found = _LIVE.fullmatch(text)
    host = (found["host"] or found["number"]) if found else text
    port = int(found["port"]) if found and found["port"] else 0
    is_host = is_literal(host) if not found or found["number"] else True
    is_any = not port and is_literal(host) and ip_address(host.partition("%")[0]).is_unspecified
    if not is_host or is_any or port > _MOST_PORT or (found and found["port"] and not port):
        raise BadOptionError(
            f"{text!r} is no HOST:PORT",
            where=f"--live {text}",
            cure="write a host and its port, as in --live localhost:6379",
        )
    return _live_entry(text)


def _live_entry(text: str) -> _Live:
    host, _, port = text.lower().rpartition(":")
    if not host or not port.isdigit() or (":" in host and not host.startswith("[")):
        host, port = text.lower(), "0"
    return _Live(host.strip("[]"), int(port))
