"""The pytest plugin: `@pytest.mark.agentvcr`, the fixtures `agentvcr` and `agentvcr_config`.

Owns the hooks that every test run has. They import pytest alone, and look at no more than the marks
of what is collected: a run that does not use them does not pay for them. What is done for a marked
test is in `active`.
"""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from agentvcr.pytest_plugin.options import COMPAT, MARK, add_options

if TYPE_CHECKING:
    from agentvcr.pytest_plugin.active import Active
    from agentvcr.pytest_plugin.fixture import MarkedTest

_SAME_NAMES: Final = {
    "recording": "pytest-recording",
    "vcr": "pytest-vcr",
    "pytest_recording.plugin": "pytest-recording",
}
"""Plugins that have options or fixtures of the same names, by what pytest calls them."""
_ACTIVE: pytest.StashKey[Active] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the settings of the plugin."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)  # before a conftest.py has hooks that are only then known
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Take the place of pytest-recording, where that is asked for.

    Raises:
        pytest.UsageError: It is there itself.
    """
    if not (early_config.known_args_namespace.agentvcr_compat or early_config.getini(COMPAT)):
        return
    manager = early_config.pluginmanager
    for name, package in _SAME_NAMES.items():
        if manager.has_plugin(name):
            raise pytest.UsageError(
                f"--agentvcr-compat takes the place of {package}, which is active too: "
                f"uninstall it, or turn it off with -p no:{name}"
            )
    _import_plainly(early_config)
    from agentvcr.pytest_plugin import compat  # noqa: PLC0415  (for who asks for it alone)

    manager.register(compat, "agentvcr-compat")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the mark means."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(cassette=None, *, scope, mode, on_miss, order, clock, live): record what the test "
        "asks of models and tools, and answer it from the cassette in the next run.",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Prepare a test that is marked, or asks for the fixture."""
    # Keywords are asked in no time, and hold names of folders, too.
    is_marked = MARK in item.keywords and item.get_closest_marker(MARK) is not None
    if is_marked or MARK in getattr(item, "fixturenames", ()):
        active_in(item.config).take(item)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401  (a worker of pytest-xdist)
    """Take in what the marked tests of a worker did."""
    if MARK in getattr(node, "workeroutput", ()):
        active_in(node.config).take_from(node)


def active_in(config: pytest.Config) -> Active:
    """Give what serves the tests of this run; made for the first that is marked, or has a miss."""
    found = config.stash.get(_ACTIVE, None)
    if found is None:
        _import_plainly(config)
        from agentvcr.pytest_plugin.active import Active  # noqa: PLC0415  (for marked tests alone)

        found = config.stash[_ACTIVE] = Active(config)
        config.pluginmanager.register(found, "agentvcr-active")
    return found


class _Plainly:
    """Finds our modules as Python does."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ANN401  (its protocol)
        """Find a module of ours."""
        ours = name.startswith("agentvcr.")
        return importlib.machinery.PathFinder.find_spec(name, path, target) if ours else None


def _import_plainly(config: pytest.Config) -> None:
    """Have our modules imported as they are, until the end of the run.

    pytest rewrites the assertions of a plugin's whole distribution. We have none to be told of, and
    where no bytecode may be written, as in many containers, that takes longer than a hundred tests.
    """
    if _Plainly in sys.meta_path:
        return
    sys.meta_path.insert(0, _Plainly)
    config.add_cleanup(lambda: sys.meta_path.remove(_Plainly))


def _around(request: pytest.FixtureRequest) -> Iterator[None]:
    yield from active_in(request.config).around(request)


_agentvcr_function = pytest.fixture(name="_agentvcr_function", scope="function")(_around)
_agentvcr_class = pytest.fixture(name="_agentvcr_class", scope="class")(_around)
_agentvcr_module = pytest.fixture(name="_agentvcr_module", scope="module")(_around)


@pytest.fixture(scope="module")
def agentvcr_config() -> dict[str, Any]:
    """Settings for the marked tests of a module or a folder: override it there.

    The keys are those of the mark.
    """
    return {}


@pytest.fixture(name=MARK)
def agentvcr_session(request: pytest.FixtureRequest) -> MarkedTest:
    """Give what this test can ask of its recording or replay."""
    from agentvcr.pytest_plugin.fixture import MarkedTest  # noqa: PLC0415  (for marked tests alone)

    return MarkedTest(request.node, active_in(request.config).session_of(request.node))
