"""Call hooks, and for a block after another replace by the same what they replaced before.

Owns what is remembered of that: a process that records or replays block after block, as tests do,
need not make every stand-in anew. Putting back is `lanes`'.
"""

from __future__ import annotations

from agentvcr.inside import lanes
from agentvcr.inside.imports import when_imported

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    Hook = Callable[[ModuleType], None]


class Replaced:
    """What was replaced, and by what."""

    def __init__(self, since: int) -> None:
        """Remember what `lanes` has replaced behind the first `since`."""
        self._places = [(*one, one[0].__dict__[one[1]]) for one in lanes.replaced(since)]

    def again(self) -> bool:
        """Replace it by the same; False, with nothing done, if anything else is there by now."""
        for owner, name, was, _ in self._places:
            if owner.__dict__.get(name, lanes.NOTHING) is not was:
                return False
        lanes.replace_again(self._places)
        return True


_known: dict[Hook, tuple[ModuleType, Replaced]] = {}
"""Which module each hook was called with last, and what it replaced."""


def hook_all(hooks: dict[str, Hook]) -> None:
    """Call hooks when their modules are imported, or now; those that only call `lanes.replace`."""
    for name, hook in hooks.items():
        when_imported(name, _remembered(hook))


def _remembered(hook: Hook) -> Hook:
    def call(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
        known = _known.get(hook)
        if known is None or known[0] is not module or not known[1].again():
            since = len(lanes.replaced())
            hook(module)
            _known[hook] = (module, Replaced(since))

    return call
