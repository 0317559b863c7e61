"""Replace functions of others: dressed as what they replace.

Owns the dressing, as `functools.wraps` does it; importing that costs a start 3 ms.
"""

from __future__ import annotations

from types import MethodType

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable
    from typing import overload as overload  # noqa: PLC0414  (to be imported from here)

    Patch = tuple[Any, str, Any]
    """An owner, the name of something in it, and what stood there before."""
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


class _Owner:
    """What functions of a module are methods of, when they stand for such as bind to no class."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __reduce__(self) -> Any:  # noqa: ANN401  (the pickle protocol)
        """Travel as the module: a function that was pickled is found there by its name."""
        from importlib import import_module  # noqa: PLC0415  (hardly ever)

        return import_module, (self._module,)

    def __deepcopy__(self, memo: object) -> _Owner:
        """Be itself, as what it stands for is."""
        return self


def unbinding(original: Any, module: str) -> Callable[[Any], Any]:  # noqa: ANN401  (any function)
    """Dress a function as `original`, which is no method of a class that keeps it: it is built in.

    Args:
        original: What is replaced.
        module: The module that it is found in, by its name. What is dressed gets an owner first.
    """

    def dress(wrapper: Any) -> Any:  # noqa: ANN401  (any function)
        dressed_as(original)(wrapper)
        del wrapper.__wrapped__  # a method's signature is that of its function without the first
        wrapper.__module__, wrapper.__qualname__ = module, original.__name__
        return MethodType(wrapper, _Owner(module))

    return dress


class Made:
    """Patches as they were made once, to be put in place again in block after block."""

    def __init__(self, patches: Iterable[Patch]) -> None:
        """Remember what these have put where: they are in place."""
        self._places = [(*patch, vars(patch[0])[patch[1]]) for patch in patches]

    def fits(self) -> bool:
        """Whether everything is as it was before they were made."""
        return all(vars(owner).get(name) is was for owner, name, was, _ in self._places)

    def put(self) -> list[Patch]:
        """Put them in place; gives what stood there."""
        for owner, name, _, ours in self._places:
            setattr(owner, name, ours)
        return [(owner, name, was) for owner, name, was, _ in self._places]
