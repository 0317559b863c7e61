"""Seal what was recorded, once its session is over.

Owns what the index is told of each exchange, and that a recording outlives a sealing that fails.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agentvcr.errors import AgentVCRError
from agentvcr.model.exchange import Exchange

if TYPE_CHECKING:
    from agentvcr.cassette.pack import Progress


def seal_recording(path: Path, progress: Progress | None = None) -> str | None:
    """Seal the journal at `path`; says why that was not done. The journal is then as it was."""
    if not path.is_file():
        return None  # a device, say: it was written to, and that is all
    from agentvcr.cassette.seal import seal  # noqa: PLC0415  (the program need not wait for it)

    try:
        seal(path, kind_of=kind_of_step, progress=progress)
    except AgentVCRError as error:
        return error.what
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    except KeyboardInterrupt:
        return "interrupted"
    return None


def kind_of_step(exchange: Exchange) -> str:
    """Say what kind of step an exchange is on its own."""
    from agentvcr.steps.path import key_kind  # noqa: PLC0415  (a run that asked nothing needs none)

    return key_kind(exchange)
