"""The configuration of pre-commit: does it name a hook, and the same text with one more.

Owns that nothing else of it is changed: what was written comes out of the parser as it was before,
with the new entry behind. Writes no file.
"""

from __future__ import annotations

from textwrap import indent
from typing import Any, Final

import yaml

_INDENTS: Final = ("", "  ", "    ")


def names_hook(text: str, entry: str) -> bool:
    """Whether a hook runs this command, or is ours by its id."""
    hooks = [hook for repo in _repos(_read(text)) for hook in _list(repo, "hooks")]
    return any(
        isinstance(hook, dict)
        and (str(hook.get("entry", "")).startswith(entry) or hook.get("id") == "agentvcr-verify")
        for hook in hooks
    )


def with_entry(text: str, entry: str) -> str | None:
    """Give the lines to add at the end so that `repos` has one more entry; None if none would do.

    Args:
        text: The configuration.
        entry: The entry, as an item of a list in YAML.
    """
    before = _read(text)
    if not isinstance(before, dict) or not isinstance(before.get("repos"), list):
        return None
    after = {**before, "repos": before["repos"] + yaml.safe_load(entry)}
    gap = "" if not text or text.endswith("\n") else "\n"
    for margin in _INDENTS:
        lines = indent(entry, margin)
        if _read(text + gap + lines) == after:
            return lines
    return None


def _repos(config: Any) -> list[Any]:  # noqa: ANN401  (what a file of somebody else holds)
    return _list(config, "repos")


def _list(of: Any, name: str) -> list[Any]:  # noqa: ANN401  (as above)
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, list) else []


def _read(text: str) -> Any:  # noqa: ANN401  (as above)
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None
