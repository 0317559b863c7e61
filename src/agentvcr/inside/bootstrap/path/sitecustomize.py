"""Bring a recorded interpreter under its session; found by the interpreter itself at its start.

Owns loading AgentVCR by path, under its own name, and the `sitecustomize` that it stands before.
Never raises while recording; a replay that cannot be brought under control does not run.
"""


def _start() -> None:
    import os
    import sys

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    root = os.environ.get("AGENTVCR_ROOT")
    try:
        if root and os.environ.get("AGENTVCR_CHANNEL"):
            _load("agentvcr", root)
            from agentvcr.inside.bootstrap import install

            install.start(here)
    except BaseException as error:  # noqa: BLE001  (the program must run whatever happens here)
        text = "agentvcr: cannot enter this process: %s: %s\n" % (type(error).__name__, error)
        os.write(2, text.encode("utf-8", "backslashreplace"))
        if os.environ.get("AGENTVCR_MODE") == "replay":
            os._exit(4)
    _chain()


def _load(name: str, folder: str) -> None:
    import os
    import sys
    from _frozen_importlib import ModuleSpec
    from _frozen_importlib_external import SourceFileLoader

    if name in sys.modules:
        return
    path = os.path.join(folder, "__init__.py")
    loader = SourceFileLoader(name, path)
    spec = ModuleSpec(name, loader, origin=path, is_package=True)
    spec.submodule_search_locations = [folder]
    spec.has_location = True
    module = type(sys)(name)
    module.__spec__ = spec
    module.__loader__ = loader
    module.__file__ = path
    module.__path__ = [folder]
    module.__package__ = name
    sys.modules[name] = module
    loader.exec_module(module)


def _chain() -> None:
    import sys
    from _frozen_importlib_external import PathFinder

    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = type(sys)("sitecustomize")
        module.__spec__ = spec
        module.__loader__ = spec.loader
        module.__file__ = spec.origin
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


_start()
