"""Guards around every test, and what tests share.

Each guard puts back what a test left behind and fails that very test, so that a leak is found where
it was made and not three files later.
"""

from __future__ import annotations

import compileall
import ipaddress
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips.txt")
UNWATCHED_VARIABLES = frozenset({"PYTEST_CURRENT_TEST"})
KEPT_SETTINGS = frozenset({"AGENTVCR_CORPORA"})

_network_uses: list[str] = []


# --- what thousands of child processes need not do anew -------------------------------------------

IMPORTED_BY_CHILDREN = ("../src", "programs", "support")
sys.dont_write_bytecode = False  # pytest keeps what it rewrote, for the pytests that tests start

# Whatever a shell starts in the background begins with this ignored, and its children do too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Clients read the authorities that they trust, of which a machine has 150, whenever one is made:
# 20 ms each. No test reaches anyone whom those vouch for; this one's key is nobody's.
os.environ["SSL_CERT_FILE"] = str(Path(__file__).parent / "support" / "nobody.pem")


def pytest_configure(config: pytest.Config) -> None:
    """Compile once what all of them import.

    Where PYTHONDONTWRITEBYTECODE is set, as in many containers, each would compile all of it for
    itself: 0.15 s of the 0.35 s that `agentvcr record` takes.
    """
    if not hasattr(config, "workerinput"):
        for folder in IMPORTED_BY_CHILDREN:
            compileall.compile_dir(Path(__file__).parent / folder, quiet=2)


# --- what tests ask for ---------------------------------------------------------------------------


@pytest.fixture
def rounds() -> int:
    """How often a loop over chance runs: 3, or what ROUNDS says (`make check-long`: 50)."""
    return int(os.environ.get("ROUNDS", "3"))


SAMPLED = (
    *("test_doctor.py", "test_loose_ends.py", "test_fork.py", "test_sdk_troubles.py"),
    *("test_httpx_family_scenes.py", "test_http_client_scenes.py", "test_aiohttp_scenes.py"),
    *("test_http_client_routes.py", "test_process_pools.py", "test_programs_own_view.py"),
    *("test_processes.py", "test_gateway.py", "test_starts_elsewhere.py", "test_tornado.py"),
    *("test_mcp_stdio.py", "test_mcp_http.py"),
)
"""Files of many scenes with several runs each: every fourth of them, and all in the long form."""
LONG = 10


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take a sample of the long files where rounds are few and no test is asked for by name."""
    asked = config.option.keyword or any(".py" in one for one in config.args)
    if asked or int(os.environ.get("ROUNDS", "3")) >= LONG:
        return
    scenes = [item for item in items if item.path.name in SAMPLED]
    left = {id(item) for number, item in enumerate(scenes) if number % 4}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in left])
    items[:] = [item for item in items if id(item) not in left]


@pytest.fixture(scope="session")
def corpora() -> Path:
    """Folder of real recordings to test with, or a skip where there is none."""
    folder = os.environ.get("AGENTVCR_CORPORA", "")
    if not folder:
        pytest.skip("AGENTVCR_CORPORA is not set")
    return Path(folder)


# --- guards ---------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _environment_restored() -> Iterator[None]:
    before = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        for name in before:
            if name.startswith("AGENTVCR_") and name not in KEPT_SETTINGS:
                patch.delenv(name)
        for name in ("FORCE_COLOR", "NO_COLOR", "GITHUB_ACTIONS"):
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "80")
        expected = dict(os.environ)
        yield
        found = dict(os.environ)
    os.environ.clear()
    os.environ.update(before)
    changed = {
        name
        for name in (expected.keys() | found.keys()) - UNWATCHED_VARIABLES
        if expected.get(name) != found.get(name)
    }
    if changed:
        pytest.fail(f"the test left the environment changed: {', '.join(sorted(changed))}")


@pytest.fixture(autouse=True)
def _working_directory_restored() -> Iterator[None]:
    before = Path.cwd()
    yield
    try:
        after = Path.cwd()
    except FileNotFoundError:
        after = None
    if after != before:
        os.chdir(before)
        pytest.fail(f"the test left the working directory changed: {after or 'a deleted folder'}")


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    _network_uses.clear()
    yield
    if _network_uses:
        pytest.fail(f"the test reached beyond loopback: {', '.join(_network_uses)}")


@pytest.fixture(autouse=True)
def _nothing_installed() -> Iterator[None]:
    yield
    left = "; ".join(_left_installed())
    if left:
        pytest.fail(f"the test left AgentVCR active in this process: {left}")


def _left_installed() -> Iterator[str]:
    """Say what is still active of `agentvcr.inside`, and end it; never imported, never active."""
    interceptors, state, lanes = (
        sys.modules.get(f"agentvcr.inside.{name}") for name in ("interceptors", "state", "lanes")
    )
    if interceptors and (installed := getattr(interceptors, "installed", tuple)()):
        yield f"interceptors {', '.join(installed)}"
        interceptors.uninstall()
    if state and state.handler is not None:
        yield f"handler {state.handler!r}"
        state.handler = None
    if lanes and lanes._undo:
        yield "lane hooks"
        lanes.uninstall()
    if lanes and lanes.current() is not lanes._ORPHAN:
        yield f"lane {lanes.current().name}"
        lanes.enter(lanes._ORPHAN)
    ours = [item for item in sys.meta_path if type(item).__module__.startswith("agentvcr.")]
    if ours:
        yield "a finder on sys.meta_path"
        sys.meta_path[:] = [item for item in sys.meta_path if item not in ours]


# --- the network: loopback and nothing else -------------------------------------------------------


class NetworkUseError(Exception):
    """A test reached for an address that is not of this machine's loopback."""


def _address(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read a literal address; None where `host` is a name."""
    try:
        return ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError:
        return None


def _text(host: object) -> str:
    return host.decode() if isinstance(host, bytes) else str(host)


def _is_own_name(host: object) -> bool:
    return host is None or _text(host) in ("", "localhost", socket.gethostname())


def _reached(event: str, arguments: tuple[Any, ...]) -> str | None:
    """Say what beyond loopback an audit event is about to reach, if anything."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
        return None if _is_own_name(host) or _address(host) else _text(host)
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        peer = arguments[1]
        if not isinstance(peer, tuple) or _is_own_name(peer[0]):
            return None
        address = _address(peer[0])
        if address and (address.is_loopback or address.is_unspecified):
            return None
        return f"{peer[0]}:{peer[1]}"
    return None


def _watch_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith("socket.") and (reached := _reached(event, arguments)):
        _network_uses.append(reached)
        message = f"tests use no network beyond loopback, and this one wants {reached}"
        raise NetworkUseError(message)


sys.addaudithook(_watch_network)


# --- in CI, a skip is a failure unless its reason is on the list ----------------------------------


def _unlisted_skip(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Say why this skip is not allowed in CI, or None where it is."""
    if os.environ.get("CI") != "true" or not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    lines = ALLOWED_SKIPS.read_text(encoding="utf-8").splitlines()
    allowed = [line.partition(" | ")[0].strip() for line in lines if line.strip()]
    if any(reason.startswith(start) for start in allowed if not start.startswith("#")):
        return None
    return f"skipped in CI, and tests/{ALLOWED_SKIPS.name} does not list the reason: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a test's skip into a failure where the list does not allow it."""
    report = yield
    if complaint := _unlisted_skip(report):
        report.outcome, report.longrepr = "failed", complaint
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a whole file's skip into a failure where the list does not allow it."""
    report = yield
    if complaint := _unlisted_skip(report):
        report.outcome, report.longrepr = "failed", complaint
    return report
