"""Call a hook when a module is imported, or at once if it has been.

Owns one finder on `sys.meta_path`. Does not know what the hooks do.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    Hook = Callable[[ModuleType], None]


on_failure: list[Callable[[str, Exception], None]] = []
"""Who is told of a hook that failed; without anybody, its error is raised."""


def _call(hook: Hook, module: ModuleType) -> None:
    """Call a hook; an error of ours must not become one of the program's import."""
    try:
        hook(module)
    except Exception as error:
        if not on_failure:
            raise
        on_failure[-1](module.__name__, error)


class _HookedLoader:
    """A module's own loader, with hooks after it; steps aside before the module can see it."""

    def __init__(self, loader: Any, hooks: list[Hook], around: Any) -> None:  # noqa: ANN401  (any loader)
        self._loader = loader
        self._hooks = hooks
        self._around = around

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the loader has)
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:  # noqa: ANN401  (the import protocol)
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        if self._around is None:
            self._loader.exec_module(module)
        else:
            with self._around:
                self._loader.exec_module(module)
        for hook in self._hooks:
            _call(hook, module)


class _Finder:
    """Finds nothing itself: asks the others, and wraps the loader of a module with a hook."""

    def __init__(self) -> None:
        self.hooks: dict[str, list[Hook]] = {}
        self.around: dict[str, Any] = {}
        self._busy: dict[str, bool] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:  # noqa: ANN401
        hooks = self.hooks.get(name)
        if hooks is None or name in self._busy:
            return None
        self._busy[name] = True
        try:
            for finder in sys.meta_path:
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec = find(name, path, target) if find is not None else None
                if spec is not None:
                    if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                        spec.loader = _HookedLoader(spec.loader, hooks, self.around.get(name))
                    return spec
            return None
        finally:
            del self._busy[name]


_finder = _Finder()


def when_imported(name: str, hook: Hook) -> None:
    """Call `hook` with the module `name` once it is imported; now, if it is already."""
    module: ModuleType | None = sys.modules.get(name)
    if module is not None:
        _call(hook, module)
        return
    _finder.hooks.setdefault(name, []).append(hook)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def while_imported(name: str, around: Any) -> None:  # noqa: ANN401  (a context manager)
    """Have `around` entered while the module `name` is executed, of which somebody has a hook."""
    _finder.around[name] = around


def forget() -> None:
    """Take the finder out again, with every hook that has not been called."""
    _finder.hooks.clear()
    _finder.around.clear()
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
