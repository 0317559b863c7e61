"""The policy of a suite: what the project configures, and what the command line says besides.

Owns how the two go together, and how a kind is told to weigh otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import get_args

import msgspec

from agentvcr.config.loading import load_config
from agentvcr.diff.verdict import KINDS
from agentvcr.errors import BadOptionError
from agentvcr.model.policy import Policy
from agentvcr.model.verdict import Weight


def policy_of(
    *, benign: str | None = None, regression: str | None = None, treat: Sequence[str] = ()
) -> Policy:
    """Give the configured policy of this folder, but for what is said here.

    Args:
        benign: `fail` or `pass`.
        regression: `fail` or `warn`.
        treat: `KIND=WEIGHT` each.

    Raises:
        BadOptionError: There is no such kind or weight, or the configuration makes no sense.
    """
    configured = load_config(Path.cwd()).test
    weights: dict[str, str] = {str(kind): weight for kind, weight in configured.treat.items()}
    weights.update(map(_read, treat))
    told = {"benign": benign, "regression": regression}
    said = {name: str(value) for name, value in told.items() if value is not None}
    return msgspec.convert({**msgspec.structs.asdict(configured), **said, "treat": weights}, Policy)


def _read(text: str) -> tuple[str, str]:
    kind, _, weight = text.partition("=")
    weights: tuple[str, ...] = get_args(Weight)
    for given, known in ((kind, KINDS), (weight, weights)):
        if given not in known:
            close = get_close_matches(given, known, 1)
            raise BadOptionError(
                f"{given or 'nothing'} is none of {', '.join(known)}",
                where=f"--treat {text}",
                cure=f"did you mean {close[0]}?" if close else "--treat wording=regression, say",
            )
    return kind, weight
