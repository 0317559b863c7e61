"""The hook that pytest-recording offers to a `conftest.py`, as its specification.

Owns that one signature.
"""

from __future__ import annotations

from typing import Any

import pytest


def pytest_recording_configure(config: pytest.Config, vcr: Any) -> None:  # noqa: ANN401  (no types)
    """Register matchers, serializers and filters at a `VCR`, before its cassette is opened."""
