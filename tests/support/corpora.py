"""Real recorded answers of model providers, out of vcrpy's YAML.

Owns reading them and choosing a varied handful of OpenAI's and Anthropic's. The files are found
through `AGENTVCR_CORPORA`, are read where they lie, and none is part of this repository.
"""

import dataclasses
import gzip
import itertools
import json
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml

FAMILIES = {
    ("api.openai.com", "/v1/chat/completions"): "chat",
    ("api.openai.com", "/v1/responses"): "responses",
    ("api.openai.com", "/v1/embeddings"): "embeddings",
    ("api.anthropic.com", "/v1/messages"): "messages",
}
"""What the official SDKs can be driven with: (host, path) → which of their methods asks it."""

OTHERS = {
    "cohere": re.compile(r"^api\.cohere\.com/v2/chat$"),
    "converse": re.compile(r"^bedrock-runtime\.[^/]+/model/[^/]+/converse(-stream)?$"),
    "gemini": re.compile(r"googleapis\.com/.*:(generateContent|streamGenerateContent)$"),
    "hf_router": re.compile(r"^router\.huggingface\.co/.*/chat/completions$"),
    "mistral": re.compile(r"^api\.mistral\.ai/v1/chat/completions$"),
}
"""What other providers are asked: a family → its host and path."""

FamilyOf = Callable[[SplitResult], str]

EACH = 5
"""How many recordings of each sort are chosen; of a refusal (4xx), one."""

_TYPES = ("application/json", "text/event-stream", "application/vnd.amazon.eventstream")
_FRAMING = {"connection", "content-length", "keep-alive", "transfer-encoding"}
_LARGEST = 400_000
_ADDRESS = re.compile(r"^ *(?:- )?uri: ['\"]?([^\s'\"]+)", re.MULTILINE)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recording:
    """One exchange of somebody's real run."""

    name: str
    """`<file>#<index>`."""
    family: str
    path: str
    """With the query."""
    asked: dict[str, Any]
    """The request's body."""
    status: int
    headers: tuple[tuple[str, str], ...]
    """The answer's headers, but for those that frame the body."""
    body: bytes
    """The answer's body, content-encoded as the headers say."""

    @property
    def streamed(self) -> bool:
        """Whether the answer is a stream of events."""
        return self.header("content-type").startswith(_TYPES[1:])

    @property
    def sort(self) -> tuple[str, bool, str, int]:
        """What makes it another sort of recording than the next."""
        return self.family, self.streamed, self.header("content-encoding"), self.status

    def header(self, name: str) -> str:
        """The first header of that name, or the empty string."""
        return next((value for key, value in self.headers if key.lower() == name), "")


def folder() -> pathlib.Path | None:
    """Where the recordings are, if they are on this machine."""
    named = os.environ.get("AGENTVCR_CORPORA")
    return pathlib.Path(named) if named else None


def choose(root: pathlib.Path, *, each: int = EACH) -> list[Recording]:
    """Choose up to `each` recordings of every sort, from as many projects as there are.

    The choice depends on the files alone: the same folder gives the same list.
    """
    chosen: dict[tuple[str, bool, str, int], list[Recording]] = {}
    for path in _across_projects(root):
        fresh: set[tuple[str, bool, str, int]] = set()
        for recording in read(path, name=str(path.relative_to(root))):
            if recording.sort not in fresh:
                fresh.add(recording.sort)
                chosen.setdefault(recording.sort, []).append(recording)
    picked = [
        recording
        for (_, _, _, status), some in chosen.items()
        for recording in some[: each if status < 400 else 1]
    ]
    return sorted(picked, key=lambda recording: (recording.family, recording.name))


def openai_or_anthropic(url: SplitResult) -> str:
    """Name the family of an address without a query that `sdk_calls.py` can ask."""
    return "" if url.query else FAMILIES.get((url.netloc, url.path), "")


def of_another(url: SplitResult) -> str:
    """Name the family of another provider's address."""
    address = url.netloc + url.path
    return next((family for family, known in OTHERS.items() if known.search(address)), "")


def read(
    path: pathlib.Path, *, name: str, family_of: FamilyOf = openai_or_anthropic
) -> Iterator[Recording]:
    """Read the exchanges of one file whose address is of a family."""
    text = path.read_text(encoding="utf-8")
    if not any(family_of(urlsplit(address)) for address in _ADDRESS.findall(text)):
        return
    try:
        document = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError:
        return  # written by another serializer
    interactions = document.get("interactions") or [] if isinstance(document, dict) else []
    for index, interaction in enumerate(interactions):
        if recording := _recording(interaction, f"{name}#{index}", family_of):
            yield recording


def _across_projects(root: pathlib.Path) -> Iterator[pathlib.Path]:
    """The first file of every project, then the second of every project, and so on."""
    shelves = [
        sorted(file for file in project.rglob("*.yaml") if file.stat().st_size <= _LARGEST)
        for project in sorted(root.iterdir())
        if project.is_dir()
    ]
    for row in itertools.zip_longest(*shelves):
        yield from (file for file in row if file is not None)


def _recording(interaction: dict[str, Any], name: str, family_of: FamilyOf) -> Recording | None:
    request, response = interaction.get("request", {}), interaction.get("response", {})
    url = urlsplit(str(request.get("uri")))
    family = family_of(url)
    asked, answered = _asked(request), _answered(response)
    if not family or request.get("method") != "POST" or not asked or not answered:
        return None
    headers = _headers(response)
    if not _told(headers, "content-type").startswith(_TYPES):
        return None
    if _told(headers, "content-encoding") == "gzip" and not answered.startswith(b"\x1f\x8b"):
        answered = gzip.compress(answered, mtime=0)  # kept decoded under a header that says gzip
    return Recording(
        name=name,
        family=family,
        path=f"{url.path}?{url.query}" if url.query else url.path,
        asked=asked,
        status=response["status"]["code"],
        headers=headers,
        body=answered,
    )


def _asked(request: dict[str, Any]) -> dict[str, Any]:
    value = request.get("parsed_body", request.get("body"))
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def _answered(response: dict[str, Any]) -> bytes:
    if "parsed_body" in response:
        return json.dumps(response["parsed_body"]).encode()
    text = (response.get("body") or {}).get("string") or b""
    return text.encode() if isinstance(text, str) else bytes(text)


def _headers(response: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for name, values in (response.get("headers") or {}).items():
        listed: Sequence[object] = values if isinstance(values, list) else [values]
        if name.lower() not in _FRAMING:
            pairs += [(str(name), str(value)) for value in listed]
    return tuple(pairs)


def _told(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")
