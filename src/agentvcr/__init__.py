"""AgentVCR: deterministic record and replay for multi-agent LLM pipelines.

Importing this package is cheap on purpose: it runs inside recorded programs, under any Python from
3.9 on, where none of AgentVCR's dependencies need be installed. It must import the standard library
alone. Its names are loaded when they are first used.

PYTEST_DONT_REWRITE: a recorded pytest finds the package imported, and else would warn that it could
not rewrite its assertions, of which there are none.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.exchange import ReplayHalt
    from agentvcr.inside.interceptors.tools import ReplayedError, tool
    from agentvcr.inside.steps import handoff, run, state_write, step
    from agentvcr.inside.values import UnkeepableError
    from agentvcr.session.blocks import fork, record, replay
    from agentvcr.session.checks import assert_snapshot, load

__all__ = [
    "ReplayHalt",
    "ReplayedError",
    "UnkeepableError",
    "__version__",
    "assert_snapshot",
    "fork",
    "handoff",
    "load",
    "record",
    "replay",
    "run",
    "state_write",
    "step",
    "tool",
]

_HOMES = {
    "ReplayHalt": "agentvcr.inside.exchange",
    "ReplayedError": "agentvcr.inside.interceptors.tools",
    "UnkeepableError": "agentvcr.inside.values",
    "assert_snapshot": "agentvcr.session.checks",
    "fork": "agentvcr.session.blocks",
    "handoff": "agentvcr.inside.steps",
    "load": "agentvcr.session.checks",
    "record": "agentvcr.session.blocks",
    "replay": "agentvcr.session.blocks",
    "run": "agentvcr.inside.steps",
    "state_write": "agentvcr.inside.steps",
    "step": "agentvcr.inside.steps",
    "tool": "agentvcr.inside.interceptors.tools",
}


def __getattr__(name: str) -> "Any":  # noqa: ANN401  (each name is of its own type)
    """Load a public name from its home, once."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  (only who uses a name)

    found = getattr(import_module(home), name)
    globals()[name] = found
    return found
