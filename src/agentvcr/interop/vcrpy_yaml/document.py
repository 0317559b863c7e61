"""A foreign file as plain values: dicts, lists, text, bytes and numbers.

Owns safety: nothing in the file is executed, and neither its size, its nesting nor its aliases can
exhaust the machine. Does not know what the values mean (`reading`).
"""

from __future__ import annotations

import base64
import json
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import yaml

from agentvcr.errors import CassetteForeignError, CassetteMissingError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES: Final = 256 << 20
"""Bytes of a file, decompressed: a few kilobytes of gzip can hold gigabytes."""
MAX_EXPANDED: Final = MAX_BYTES
"""Characters once every alias is written out: nine short lines of YAML can stand for gigabytes."""
MAX_DEPTH: Final = 200
"""Values within values. libyaml descends on the C stack, where too deep ends the process."""

_OURS = b"AVCR"
_GZIP = b"\x1f\x8b"
_PYTHON_TAG = "tag:yaml.org,2002:python/"
SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader, where PyYAML was built with it."""

# What PyYAML raises over YAML that is well formed and makes no sense, such as `!!int ""`.
_UNREADABLE = (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError)


class Document(NamedTuple):
    """What stands in a file."""

    value: object
    parse_ms: float
    """How long the parser took that made the value of the text, and nothing before or after it."""


def read_document(path: Path) -> Document:
    """Read a YAML or JSON file, gzipped or not.

    Raises:
        CassetteMissingError: There is no such file.
        CassetteForeignError: It cannot be read, is neither YAML nor JSON, or is not safe to read.
    """
    data = _file_bytes(path)
    if data.startswith(_OURS) or path.suffix == ".avcr":
        raise refused(path, "it is a cassette of AgentVCR already", cure="agentvcr show FILE")
    if data.startswith(_GZIP):
        data = _gunzipped(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(path, f"it is not UTF-8 text (byte {error.start})") from error
    if not text.strip():
        raise refused(path, "it is empty")
    return _value(path, text)


def refused(path: Path, reason: str, *, place: str = "", cure: str = "") -> CassetteForeignError:
    """Make the error that says why a file is not imported."""
    return CassetteForeignError(
        f"{path.name} cannot be imported: {reason}",
        where=f"{path}: {place}" if place else str(path),
        cure=cure or "give a cassette that vcrpy wrote",
    )


def _file_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise CassetteMissingError(
            f"there is no {path.name}", where=str(path), cure="check the name"
        ) from error
    except OSError as error:
        raise refused(path, error.strerror or str(error), cure="check the file") from error
    return _bounded(path, data)


def _bounded(path: Path, data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise refused(
            path, f"it is larger than {MAX_BYTES >> 20} MiB", cure="split it into several cassettes"
        )
    return data


def _gunzipped(path: Path, data: bytes) -> bytes:
    pieces: list[bytes] = []
    room = MAX_BYTES + 1
    while data and room > 0:
        inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        try:
            pieces.append(inflater.decompress(data, room))
        except zlib.error as error:
            raise refused(path, "its gzip is broken", cure="take it from a copy") from error
        room -= len(pieces[-1])
        if room > 0 and not inflater.eof:
            raise refused(path, "its gzip is cut short", cure="take it from a copy")
        data = inflater.unused_data
    return _bounded(path, b"".join(pieces))


def _value(path: Path, text: str) -> Document:
    if path.suffix == ".json" or text.lstrip()[0] == "{":
        try:
            return _timed(lambda: json.loads(text))
        except RecursionError as error:
            raise refused(path, "its values are nested too deep") from error
        except ValueError as error:
            if path.suffix == ".json":
                raise refused(path, f"it is broken JSON: {error}") from error
            # YAML may begin with a brace too.
    try:
        _check_expansion(path, text)
        return _timed(lambda: yaml.load(text, Loader=PlainLoader))  # noqa: S506 - derived from a safe loader
    except yaml.constructor.ConstructorError as error:
        raise refused(path, _of_tag(error), place=_line(error)) from error
    except _UNREADABLE as error:
        raise refused(path, f"it is broken YAML: {_problem(error)}", place=_line(error)) from error


def _timed(parse: Callable[[], object]) -> Document:
    began_ns = time.perf_counter_ns()
    value = parse()
    return Document(value, (time.perf_counter_ns() - began_ns) / 1e6)


def _check_expansion(path: Path, text: str) -> None:
    """Refuse what would exhaust the stack or the memory, before anything is built of it."""
    expansion = _Expansion()
    for event in yaml.parse(text, Loader=PlainLoader):
        if reason := expansion.after(event):
            raise refused(path, reason)


class _Expansion:
    """Counts what a document comes to once its aliases are written out, and how deep it goes."""

    def __init__(self) -> None:
        self._total = 0
        self._sizes: dict[str | None, int] = {}
        self._open: list[tuple[str | None, int]] = []
        """Each value that has begun: its anchor, and the total before it."""

    def after(self, event: yaml.Event) -> str:
        """Take the next event; say why to refuse, if so."""
        before = self._total
        if isinstance(event, yaml.ScalarEvent):
            self._total += len(event.value) + 1
            self._sizes[event.anchor] = self._total - before
        elif isinstance(event, yaml.CollectionStartEvent):
            self._total += 1
            self._open.append((event.anchor, before))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, begun = self._open.pop()
            self._sizes[anchor] = self._total - begun
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in self._open):
                return f"its value &{event.anchor} contains itself"
            self._total += self._sizes.get(event.anchor, 0)
        if len(self._open) > MAX_DEPTH:
            return f"its values are nested more than {MAX_DEPTH} deep"
        if self._total > MAX_EXPANDED:
            return "its aliases expand to more than a machine should hold"
        return ""


def _of_tag(error: yaml.constructor.ConstructorError) -> str:
    problem = error.problem or ""
    if _PYTHON_TAG not in problem and "tag" not in problem:
        return f"it is broken YAML: {problem}"
    tag = problem.rpartition("tag ")[2].strip("'").replace("tag:yaml.org,2002:", "!!")
    return f"it holds the tag {tag}, which would make an object; only plain values are read"


def _problem(error: Exception) -> str:
    return getattr(error, "problem", None) or str(error).partition("\n")[0] or type(error).__name__


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}" if mark else ""


# --- the loader: plain values, and the few tags that are another way of writing them -------------


class PlainLoader(SafeLoader):  # type: ignore[misc] # typed Any: with libyaml or without
    """PyYAML's safe loader; dates stay text, as JSON has none."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
    }


def _text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _text_of_class(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> str:
    """Read aiohttp's header names: their class, and the text in a list of one."""
    return str(loader.construct_sequence(node)[0])


def _tuple(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> tuple[object, ...]:
    return tuple(loader.construct_sequence(node, deep=True))


def _file_body(loader: yaml.SafeLoader, node: yaml.MappingNode) -> bytes:
    """Read the body of a request that was given as a file."""
    state = loader.construct_mapping(node, deep=True).get("state") or (b"",)
    return as_bytes(state[0] or b"")


def _iterated_body(loader: yaml.SafeLoader, node: yaml.MappingNode) -> bytes:
    """Read the body of a request that was given as an iterator."""
    pieces: Any = (loader.construct_mapping(node, deep=True).get("args") or ([],))[0]
    if isinstance(pieces, (str, bytes)):
        return as_bytes(pieces)
    return b"".join(bytes([one]) if isinstance(one, int) else as_bytes(one) for one in pieces)


def _ruby_binary(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> bytes:
    return base64.b64decode(str(loader.construct_scalar(node)))


def as_bytes(value: object) -> bytes:
    """Give text as UTF-8, also text that no file should hold, and bytes as they are."""
    if isinstance(value, bytes):
        return value
    return str(value).encode("utf-8", "surrogatepass")


_CONSTRUCTORS: dict[str, Callable[..., object]] = {
    f"{_PYTHON_TAG}str": _text,
    f"{_PYTHON_TAG}unicode": _text,
    f"{_PYTHON_TAG}tuple": _tuple,
    f"{_PYTHON_TAG}object/new:_io.BytesIO": _file_body,
    f"{_PYTHON_TAG}object/apply:builtins.iter": _iterated_body,
    f"{_PYTHON_TAG}object/apply:multidict._multidict.istr": _text_of_class,
    f"{_PYTHON_TAG}object/new:multidict._multidict.istr": _text_of_class,
    "!binary": _ruby_binary,
}
for _tag, _construct in _CONSTRUCTORS.items():
    PlainLoader.add_constructor(_tag, _construct)
