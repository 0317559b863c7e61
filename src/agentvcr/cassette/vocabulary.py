"""The words that cassettes share: the dictionary that frames of a sealed file are packed with.

Owns its bytes, which are a part of format version 1 and never change. A short cassette consists of
little else: without them it would be larger than the same in YAML and gzip.

`vocabulary.txt` has requests and answers of the usual APIs with the white space that each of them
uses, then addresses, then headers. What is common stands at the end, where zstd reaches it with the
shortest numbers.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec
import zstandard

_PARTS = b"\n----\n"
_RECORDS: Final[tuple[tuple[object, ...], ...]] = (
    # As records have them: the interpreter, a process, a run, a row, keys, a directory.
    (b"httpx.ReadTimeout", b"httpx2.ConnectError", b"All connection attempts failed"),
    ("{python}", "python3", "pytest", "main", "main/task0", "main/task0/task1", "main/proc1"),
    (0, 1, 0, "main", ("/usr/bin/python3", "agents.py"), "3.12.1", 0),
    ("0", 0, (), ".", "0.1.0", "", "1", {}),
    ("Linux x86_64", "1", {"LANG": "C.UTF-8", "PATH": "hmac:", "HOME": "hmac:", "PWD": "hmac:"}),
    (0, 0, None),
    ((), (), (), 0),
    ("vcrpy", "httpx", "httpx2", 1000),
    (False, None, (0, 200, b"", b"HTTP/1.1", ())),
    (False, None, (0, 200, b"OK", b"HTTP/1.1", ())),
    (((0,), (100,)), (0, "eof", None, None)),
    (1, (0,), ("main",), (0,), ("llm",), (0,), ()),
    ((0,), (), ((0, "main", 1, 1),), ((0, 0, 0, 1, 1),), 1000),
)


@cache
def dictionary() -> zstandard.ZstdCompressionDict:
    """Give the dictionary, as zstd takes it."""
    return zstandard.ZstdCompressionDict(
        dictionary_bytes(), dict_type=zstandard.DICT_TYPE_RAWCONTENT
    )


def dictionary_bytes() -> bytes:
    """Give the dictionary's bytes: texts as they are, the rest as records have it."""
    encode = msgspec.msgpack.encode
    text = Path(__file__).with_name("vocabulary.txt").read_bytes()
    shapes, urls, headers = text.rstrip(b"\n").split(_PARTS)
    calls = (("POST", url.decode()) for url in urls.split(b"\n"))
    pairs = (line.partition(b":") for line in headers.split(b"\n"))
    fields = ((name, value.strip()) for name, _, value in pairs)
    return b"".join([shapes, *map(encode, chain(calls, _RECORDS, fields))])
