"""The formats that a sealed cassette stands beside, each writing and reading the same exchanges.

Owns what each format holds and how it is found again. Ours is `cassette_ours`; nothing is measured
here. A format imports what it needs when it is made, so that a process which reads one is no larger
than it must be.
"""

from __future__ import annotations

import base64
import gzip
import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from agentvcr.model.exchange import Exchange, Headers

Found = tuple[bytes, bytes]
"""The bodies of a request and of its answer."""

LEVEL = 9


class Wanted(NamedTuple):
    """What an exchange is looked for by, and a digest of what must be found."""

    number: int
    fingerprint: bytes
    method: str
    url: str
    body: bytes
    digest: str


class Format(Protocol):
    """One way to keep exchanges in a file."""

    name: str

    def write(self, path: Path, exchanges: Sequence[Exchange]) -> None:
        """Write all of them."""

    def by_number(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by its number."""

    def by_request(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by what it asks."""

    def all(self, path: Path) -> Iterator[Found]:
        """Open the file and read every exchange."""


def row_of(exchange: Exchange) -> tuple[Any, ...]:
    """Give all that an exchange holds but the hashes; times as differences, in microseconds."""
    asked, answer, ending = exchange.request, exchange.response, exchange.ending
    began = exchange.began_ns // 1000
    answered = None
    if answer is not None:
        times = [answer.at_ns, *(chunk.at_ns for chunk in answer.chunks)]
        answered = (
            answer.at_ns // 1000 - began,
            answer.status,
            answer.reason,
            answer.http_version,
            answer.headers,
            [(after - before) // 1000 for before, after in pairwise(times)],
            [len(chunk.data) for chunk in answer.chunks],
            answer.body,
        )
    return (
        exchange.number,
        exchange.process,
        exchange.lane,
        exchange.client,
        began,
        asked.method,
        asked.url,
        asked.headers,
        asked.body,
        exchange.internal,
        exchange.served_from,
        answered,
        (ending.at_ns // 1000 - began, ending.kind) if ending else None,
    )


def _found(row: Sequence[Any]) -> Found:
    return row[8], row[11][7] if row[11] else b""


def _is_asked(row: Sequence[Any], wanted: Wanted) -> bool:
    return bool(row[8] == wanted.body and row[6] == wanted.url and row[5] == wanted.method)


class _Loaded:
    """A format that is read as a whole, and searched afterwards."""

    def rows(self, path: Path) -> Iterator[Sequence[Any]]:
        """Read every row."""
        raise NotImplementedError

    def by_number(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by its number."""
        return next(_found(row) for row in self.rows(path) if row[0] == wanted.number)

    def by_request(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by what it asks."""
        return next(_found(row) for row in self.rows(path) if _is_asked(row, wanted))

    def all(self, path: Path) -> Iterator[Found]:
        """Open the file and read every exchange."""
        return map(_found, self.rows(path))


class MsgpackZstd(_Loaded):
    """One msgpack of everything, in one zstd frame."""

    name = "msgpack+zstd-9"

    def __init__(self) -> None:
        """Import."""
        self._msgpack = importlib.import_module("msgspec.msgpack")
        self._zstd = importlib.import_module("zstandard")

    def write(self, path: Path, exchanges: Sequence[Exchange]) -> None:
        """Write all of them."""
        raw = self._msgpack.encode([row_of(exchange) for exchange in exchanges])
        path.write_bytes(self._zstd.ZstdCompressor(level=LEVEL).compress(raw))

    def rows(self, path: Path) -> Iterator[Sequence[Any]]:
        """Read every row."""
        raw = self._zstd.ZstdDecompressor().decompress(path.read_bytes())
        return iter(self._msgpack.decode(raw))


class JsonLines(_Loaded):
    """One JSON array a line, gzipped; bytes as text, or as base64 where they are none."""

    name = "JSON lines+gzip-9"

    def write(self, path: Path, exchanges: Sequence[Exchange]) -> None:
        """Write all of them."""
        lines = (json.dumps(_texts(row_of(one)), ensure_ascii=False) for one in exchanges)
        with gzip.GzipFile(path, "wb", LEVEL, mtime=0) as file:
            file.writelines(line.encode() + b"\n" for line in lines)

    def rows(self, path: Path) -> Iterator[Sequence[Any]]:
        """Read every row; a search ends where it has found."""
        with gzip.open(path) as file:
            for line in file:
                row = json.loads(line)
                row[8] = _bytes(row[8])
                if row[11]:
                    row[11][7] = _bytes(row[11][7])
                yield row


def _texts(value: object) -> object:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    return [_texts(part) for part in value] if isinstance(value, list | tuple) else value


def _bytes(value: Any) -> bytes:  # noqa: ANN401  (JSON)
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


class VcrpyYaml(_Loaded):
    """What vcrpy writes, by its own serializer; without chunks, times, lanes and numbers."""

    name = "vcrpy YAML"

    def __init__(self) -> None:
        """Import."""
        self._serialize = importlib.import_module("vcr.serialize")
        self._yaml = importlib.import_module("vcr.serializers.yamlserializer")
        self._request = importlib.import_module("vcr.request").Request

    def text(self, exchanges: Iterable[Exchange]) -> bytes:
        """Serialize all of them."""
        requests, responses = [], []
        for one in exchanges:
            asked, answer = one.request, one.response
            headers = {name: values[0] for name, values in _named(asked.headers).items()}
            requests.append(self._request(asked.method, asked.url, asked.body, headers))
            assert answer is not None
            status = {"code": answer.status, "message": answer.reason.decode()}
            told = {"status": status, "headers": _named(answer.headers)}
            responses.append({**told, "body": {"string": answer.body}})
        cassette = {"requests": requests, "responses": responses}
        text: str = self._serialize.serialize(cassette, self._yaml)
        return text.encode()

    def write(self, path: Path, exchanges: Sequence[Exchange]) -> None:
        """Write all of them."""
        path.write_bytes(self.text(exchanges))

    def _read(self, path: Path) -> str:
        return path.read_text()

    def rows(self, path: Path) -> Iterator[Sequence[Any]]:
        """Read every row; all are loaded first."""
        requests, responses = self._serialize.deserialize(self._read(path), self._yaml)
        for number, (asked, answer) in enumerate(zip(requests, responses, strict=True), 1):
            body = asked.body or b""
            answered = [None] * 7 + [answer["body"]["string"]]
            yield [number, *[None] * 4, asked.method, asked.uri, None, body, None, None, answered]


class VcrpyYamlGzip(VcrpyYaml):
    """The same, gzipped as one would to keep it in a repository."""

    name = "vcrpy YAML, gzip-9"

    def write(self, path: Path, exchanges: Sequence[Exchange]) -> None:
        """Gzip the YAML that lies beside, or what would lie there."""
        plain = path.with_name(file_name(VcrpyYaml.name))
        text = plain.read_bytes() if plain.exists() else self.text(exchanges)
        path.write_bytes(gzip.compress(text, LEVEL, mtime=0))

    def _read(self, path: Path) -> str:
        return gzip.decompress(path.read_bytes()).decode()


def _named(headers: Headers) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for name, value in headers:
        named.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    return named


class SqliteZstd:
    """A table with a row an exchange, each row's data in a zstd frame of its own."""

    name = "SQLite+zstd-9"

    def __init__(self) -> None:
        """Import."""
        self._msgpack = importlib.import_module("msgspec.msgpack")
        self._zstd = importlib.import_module("zstandard")
        self._sqlite = importlib.import_module("sqlite3")

    def write(self, path: Path, exchanges: Sequence[Exchange]) -> None:
        """Write all of them in one transaction."""
        path.unlink(missing_ok=True)
        compress, encode = self._zstd.ZstdCompressor(level=LEVEL).compress, self._msgpack.encode
        rows = (
            (one.number, one.fingerprint, one.lane, compress(encode(row_of(one))))
            for one in exchanges
        )
        base = self._sqlite.connect(path)
        base.execute(
            "create table exchange"
            " (number integer primary key, fingerprint blob, lane text, data blob)"
        )
        base.execute("create index by_fingerprint on exchange (fingerprint)")
        base.executemany("insert into exchange values (?, ?, ?, ?)", rows)
        base.commit()
        base.close()

    def _rows(self, path: Path, where: str, *given: object) -> Iterator[Found]:
        base = self._sqlite.connect(path)
        decompress = self._zstd.ZstdDecompressor().decompress
        for (data,) in base.execute(f"select data from exchange {where} order by number", given):
            yield _found(self._msgpack.decode(decompress(data)))
        base.close()

    def by_number(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by its number."""
        return next(self._rows(path, "where number = ?", wanted.number))

    def by_request(self, path: Path, wanted: Wanted) -> Found:
        """Open the file and find an exchange by its fingerprint."""
        return next(self._rows(path, "where fingerprint = ?", wanted.fingerprint))

    def all(self, path: Path) -> Iterator[Found]:
        """Open the file and read every exchange."""
        return self._rows(path, "")


def file_name(name: str) -> str:
    """Name a format's file."""
    return "".join(letter if letter.isalnum() else "-" for letter in name).lower()


RIVALS: dict[str, Callable[[], Format]] = {
    one.name: one for one in (VcrpyYaml, VcrpyYamlGzip, JsonLines, MsgpackZstd, SqliteZstd)
}
"""By name; each is made where it is used."""
