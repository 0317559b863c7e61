"""Small cassettes as vcrpy writes them.

Owns their shape. Nothing here checks, and vcrpy itself is not asked.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any

import yaml

WEATHER = "https://tools.example/weather"


def interaction(  # noqa: PLR0913 - what an exchange is made of
    said: Any = "ok",
    *,
    url: str = WEATHER,
    asked: Any = None,
    status: int = 200,
    request_headers: dict[str, str] | None = None,
    response_headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Give one exchange; a body that is no text is written as JSON."""
    listed = {name: [value] for name, value in (response_headers or {}).items()}
    return {
        "request": {
            "body": asked if asked is None or isinstance(asked, str) else json.dumps(asked),
            "headers": {name: [value] for name, value in (request_headers or {}).items()},
            "method": "GET" if asked is None else "POST",
            "uri": url,
        },
        "response": {
            "body": {"string": said if isinstance(said, str | bytes) else json.dumps(said)},
            "headers": listed,
            "status": {"code": status, "message": "OK" if status == 200 else ""},
        },
    }


def write(path: pathlib.Path, *interactions: dict[str, Any]) -> pathlib.Path:
    """Write a cassette, with one exchange where none is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"interactions": list(interactions) or [interaction()], "version": 1}
    dump = json.dumps if path.suffix == ".json" else yaml.safe_dump
    path.write_text(dump(document, sort_keys=False), encoding="utf-8")
    return path


def write_websocket(path: pathlib.Path) -> pathlib.Path:
    """Write one that cannot be imported: it holds no HTTP."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"interactions": [{"direction": "sent", "data": "hi"}], "version": 1}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path
