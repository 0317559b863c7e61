"""What a project says of verdicts: which of them lets the whole pass.

Owns its shape, which is that of `[tool.agentvcr.test]`. Judges nothing (`diff.verdict`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from agentvcr.model.verdict import DifferenceKind, VerdictName, Weight


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of each verdict."""

    benign: Literal["fail", "pass"] = "fail"
    regression: Literal["fail", "warn"] = "fail"
    treat: dict[DifferenceKind, Weight] = {}
    """Kinds of differences that count as something else than by default."""

    def passes(self, verdict: VerdictName) -> bool:
        """Whether a verdict lets the whole pass."""
        if verdict == "benign":
            return self.benign == "pass"
        return verdict == "identical" or self.regression == "warn"
