"""A test's cassette as pytest-recording opens it: names, extra files, modes.

Owns how its settings become a cassette of vcrpy's, and in which of two formats that is kept. What a
mark or a fixture says is read by `pytest_plugin.compat`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import uuid4

from vcr import VCR
from vcr.persisters.filesystem import CassetteNotFoundError, FilesystemPersister
from vcr.serialize import deserialize, serialize
from vcr.serializers import yamlserializer

from agentvcr.interop.vcrpy_yaml import write_cassette
from agentvcr.model.run import Run

_LONGEST_NAME: Final = 255
"""Bytes of a file's name, where the system does not say."""
_YAML: Final = ".yaml"


class OwnFormat(Protocol):
    """Reads and writes cassettes of ours; `session.conversion` does."""

    def path_of(self, path: Path) -> Path:
        """Name the cassette of ours that stands for one of vcrpy's."""

    def load(self, path: Path) -> Run:
        """Read one."""

    def save(self, text: Path, path: Path) -> None:
        """Write one from a file of YAML."""


@dataclass(frozen=True)
class Opening:
    """What opens a cassette."""

    name: str
    folder: str
    mode: str
    """A record mode of vcrpy's, or `rewrite`."""
    extra: Sequence[str]
    """More files to be answered from; relative ones lie in the folder."""
    options: dict[str, Any]
    """What `VCR.use_cassette` takes."""


def open_cassette(
    opening: Opening, configure: Callable[[VCR], None], own: OwnFormat, *, writes_own: bool
) -> Any:  # noqa: ANN401  (vcrpy has no types)
    """Give the context of a cassette, not yet entered.

    Args:
        opening: What opens it.
        configure: Called with the `VCR` before; registers what a user wants.
        own: Reads cassettes of ours, where there is no other, and writes them.
        writes_own: New cassettes are ours, and not of YAML.
    """
    options = dict(opening.options)
    ending = f".{options['serializer']}" if "serializer" in options else _YAML
    mode = str(options.get("record_mode", opening.mode))
    name = _fitting(opening.name, len(str(options.get("serializer", _YAML))))
    if mode == "rewrite":  # which vcrpy does not know
        mode = "new_episodes"
        path = Path(opening.folder, name if name.endswith(ending) else name + ending)
        path.unlink(missing_ok=True)
        own.path_of(path).unlink(missing_ok=True)
        if "record_mode" in options:
            options["record_mode"] = mode
    recorder = VCR(
        path_transformer=VCR.ensure_suffix(ending),
        cassette_library_dir=opening.folder,
        record_mode=mode,
    )
    extra = [os.path.join(opening.folder, one) for one in opening.extra]  # noqa: PTH118  (an absolute one stays)
    recorder.register_persister(_Persister(extra, own, writes_own=writes_own))
    configure(recorder)
    return recorder.use_cassette(name, **options)


def _fitting(name: str, ending: int) -> str:
    """Shorten a name that the system has no room for, as pytest-recording does."""
    longest = _longest_name()
    if len(name) + ending <= longest:
        return name
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: longest - ending - len(digest) - 3]}...{digest}"


def _longest_name() -> int:
    try:
        return os.pathconf(".", "PC_NAME_MAX")
    except (AttributeError, ValueError, OSError):
        return _LONGEST_NAME


class _Persister(FilesystemPersister):  # type: ignore[misc]  # vcrpy has no types
    """Loads several files, saves the first; a file is whole or as it was."""

    def __init__(self, extra: Sequence[str], own: OwnFormat, *, writes_own: bool) -> None:
        self._extra = extra
        self._own = own
        self._writes_own = writes_own

    def load_cassette(self, cassette_path: str, serializer: Any) -> tuple[list[Any], list[Any]]:  # noqa: ANN401
        requests: list[Any] = []
        responses: list[Any] = []
        for path in dict.fromkeys((str(cassette_path), *self._extra)):
            found = self._read(Path(path), serializer)
            requests += found[0]
            responses += found[1]
        if not requests:
            raise CassetteNotFoundError("No cassettes found.")
        return requests, responses

    def _read(self, path: Path, serializer: Any) -> Any:  # noqa: ANN401  (as above)
        own = self._own.path_of(path)
        if own.exists() and (self._writes_own or not path.exists()):
            text = StringIO()
            write_cassette(self._own.load(own), text)
            return deserialize(text.getvalue(), yamlserializer)
        try:
            text_read = path.read_text(encoding="utf-8")
        except OSError:
            return [], []
        return deserialize(text_read, serializer)

    def save_cassette(self, cassette_path: str, cassette_dict: Any, serializer: Any) -> None:  # noqa: ANN401
        path = Path(cassette_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{uuid4().hex}{_YAML}")
        text = serialize(cassette_dict, yamlserializer if self._writes_own else serializer)
        try:
            beside.write_text(text, encoding="utf-8")
            if self._writes_own:
                self._own.save(beside, self._own.path_of(path))
            else:
                beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
