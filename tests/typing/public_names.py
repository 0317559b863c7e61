"""Types that users rely on, checked by `mypy --strict` and never run."""

from __future__ import annotations

from typing import assert_type

import agentvcr
from agentvcr.errors import AgentVCRError
from agentvcr.model.exchange import Chunk, Exchange, Response
from agentvcr.model.run import Run


def version() -> None:
    """The version is a plain string."""
    assert_type(agentvcr.__version__, str)


def a_run(run: Run) -> None:
    """A run is immutable all the way down, and its exchanges are read one by one."""
    assert_type(run.exchanges[0], Exchange)
    assert_type(run.exchanges[:1], tuple[Exchange, ...])
    assert_type(run.output("stdout"), bytes)
    run.output("stdlog")  # type: ignore[arg-type]
    run.path = "elsewhere"  # type: ignore[misc]


def a_response(response: Response) -> None:
    """Chunks keep their boundaries, and `body` joins them."""
    assert_type(response.chunks, tuple[Chunk, ...])
    assert_type(response.body, bytes)


def an_error(error: AgentVCRError) -> None:
    """An error says what, where and what to do."""
    assert_type((error.slug, error.exit_status), tuple[str, int])
    assert_type((error.what, error.where, error.cure), tuple[str, str, str])
