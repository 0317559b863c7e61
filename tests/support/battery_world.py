"""All that the programs of the battery reach: five servers, and two ports that lead nowhere.

Owns starting and stopping them together, at the same ports again where that is asked for, so that
what a program says of an address is the same in each run.
"""

import contextlib
import itertools
import pathlib
import re
import socket
import ssl
from collections import Counter

import trustme

from tests.support.battery_server import BatteryServer
from tests.support.connect_proxy import ConnectProxy
from tests.support.h2_server import H2Server

_NUMBER = re.compile(r"#(\d+)#")


class Authority:
    """Who vouches for the servers under TLS, in a file."""

    def __init__(self, folder: pathlib.Path) -> None:
        own = trustme.CA()
        self._certificate = own.issue_cert("127.0.0.1")
        self.file = folder / "ca.pem"
        own.cert_pem.write_to_path(self.file)

    def context(self) -> ssl.SSLContext:
        """What a server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._certificate.configure_cert(context)
        return context


class World(contextlib.ExitStack):
    """The servers of one run. Their numbers begin at `first`."""

    def __init__(self, authority: Authority, first: int, ports: dict[str, int]) -> None:
        super().__init__()
        self.first = first
        numbers = itertools.count(first)
        context = authority.context
        self.servers = {
            "BASE_URL": BatteryServer(numbers, port=ports.get("BASE_URL", 0)),
            "OTHER_URL": BatteryServer(numbers, port=ports.get("OTHER_URL", 0)),
            "TLS_URL": BatteryServer(numbers, port=ports.get("TLS_URL", 0), tls=context()),
            "H2_URL": H2Server(numbers, port=ports.get("H2_URL", 0), tls=context()),
            "PROXY_URL": ConnectProxy(port=ports.get("PROXY_URL", 0)),
        }
        self._authority = authority
        self._refusing = self.enter_context(socket.socket())
        self._refusing.bind(("127.0.0.1", ports.get("REFUSED_URL", 0)))
        address = ("127.0.0.1", ports.get("FULL_URL", 0))
        self._full = self.enter_context(socket.create_server(address, backlog=0))
        for _ in range(2):
            waiting = self.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 - its own signature
            waiting.connect_ex(self._full.getsockname())
        for server in self.servers.values():
            self.enter_context(server)

    @property
    def ports(self) -> dict[str, int]:
        """Where each listens, where nobody does, and where connections wait for ever."""
        known = {name: server.port for name, server in self.servers.items()}
        dead = {"REFUSED_URL": self._refusing, "FULL_URL": self._full}
        return {**known, **{name: one.getsockname()[1] for name, one in dead.items()}}

    @property
    def variables(self) -> dict[str, str]:
        """What a program needs to know."""
        urls = {name: f"http://127.0.0.1:{port}" for name, port in self.ports.items()}
        urls.update((name, server.base_url) for name, server in self.servers.items())
        return {**urls, "CA_FILE": str(self._authority.file)}

    @property
    def asked(self) -> Counter[tuple[str, str]]:
        """How often each method and target arrived, at whatever server."""
        servers = [one for name, one in self.servers.items() if name != "PROXY_URL"]
        return Counter(
            (asked.method, from_path(asked.target)) for server in servers for asked in server.asked
        )

    @property
    def connections(self) -> dict[str, int]:
        """How many connections each server had, and how many tunnels the proxy opened."""
        names = ("BASE_URL", "OTHER_URL", "TLS_URL")
        return {name: self.servers[name].connections for name in names} | {
            "PROXY_URL": self.servers["PROXY_URL"].count
        }

    def counted(self, said: bytes) -> str:
        """Count the numbers in what a program said from the first of this world."""
        return _NUMBER.sub(lambda found: f"#{int(found[1]) - self.first}#", said.decode())


def from_path(target: str) -> str:
    """Leave out scheme and server."""
    return re.sub(r"^\w+://[^/]*", "", target)
