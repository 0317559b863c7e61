"""Replace functions of others: dressed as what they replace.

Owns the dressing, as `functools.wraps` does it; importing that costs a start 3 ms.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable
    from typing import overload as overload  # noqa: PLC0414  (to be imported from here)
else:

    def overload(function: object) -> object:
        """Stand for `typing.overload`, which says something to type checkers alone."""
        return function


def dressed_as(original: Any) -> Callable[[Any], Any]:  # noqa: ANN401  (any function)
    """Give a function the name, the words and the signature of `original`."""

    def dress(wrapper: Any) -> Any:  # noqa: ANN401  (any function)
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            if hasattr(original, name):
                setattr(wrapper, name, getattr(original, name))
        wrapper.__wrapped__ = original
        return wrapper

    return dress
