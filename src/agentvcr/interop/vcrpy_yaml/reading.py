"""vcrpy's cassettes and those of its relatives, as exchanges.

Owns which ways of writing a cassette are known, and what each of them means. Does not read files
(`document`) nor bytes (`bodies`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from agentvcr.errors import CassetteForeignError
from agentvcr.interop.foreign import Foreign, ForeignResponse, Interaction
from agentvcr.interop.vcrpy_yaml import oddities
from agentvcr.interop.vcrpy_yaml.bodies import (
    body_bytes,
    header_pairs,
    is_bodiless,
    json_bytes,
    true_headers,
)
from agentvcr.interop.vcrpy_yaml.document import Document, as_bytes, read_document, refused
from agentvcr.interop.vcrpy_yaml.oddities import Oddities
from agentvcr.model.exchange import Headers, Request

Fields = Mapping[object, object]

PLAIN = "vcrpy-v1"
PARSED = "vcrpy-parsed-body"
OLD_HTTPX = "vcrpy-httpx"
SPLIT = "langchain-split"
RUBY = "ruby-vcr"

_TOP = {"version", "interactions", "requests", "responses", "http_interactions"}
_INTERACTION = {"request", "response"}
_REQUEST = {"method", "uri", "headers", "body", "parsed_body"}
_RESPONSE = {"status", "headers", "body", "parsed_body", "http_version", "content", "status_code"}
_STATUSES = range(100, 1000)
_HTTP = "http://", "https://"


def read_cassette(path: Path) -> Foreign:
    """Read a cassette that vcrpy wrote, or one of its relatives.

    Bodies are byte for byte what vcrpy would load. Where it loads none, they are what a custom
    serializer put there.

    Raises:
        CassetteMissingError: There is no such file.
        CassetteForeignError: It is no such cassette, is broken, or is not safe to read.
    """
    return _Reading(path).cassette(read_document(path))


class _Reading:
    """One file while it is read: its name for errors, and what was odd about it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = Oddities()
        self._flavours: set[str] = set()

    def cassette(self, document: Document) -> Foreign:
        pairs = self._pairs(document.value)
        interactions = tuple(
            self._interaction(request, response, place) for request, response, place in pairs
        )
        known = (RUBY, SPLIT, OLD_HTTPX, PARSED)
        return Foreign(
            interactions=interactions,
            flavour=next((one for one in known if one in self._flavours), PLAIN),
            notes=self._seen.told(),
            parse_ms=document.parse_ms,
        )

    # --- where the exchanges are ------------------------------------------------------------------

    def _pairs(self, document: object) -> Iterator[tuple[object, object, str]]:
        """Give each request and its response, and where they stand."""
        if isinstance(document, list) and document and _has(document[0], "request"):
            raise self._refused(
                "vcrpy before 1.0 wrote it",
                cure="python -m vcr.migration FILE brings it up to date",
            )
        if not isinstance(document, Mapping):
            raise self._refused(f"it is no cassette, but {_described(document)}")
        if any(str(key).startswith("sample_requests") for key in document):
            raise self._refused("it holds gRPC messages and no HTTP", cure=_ONLY_HTTP)
        self._top(document)
        if isinstance(listed := document.get("http_interactions"), list):
            self._flavours.add(RUBY)
            return self._paired(listed)
        if isinstance(listed := document.get("interactions"), list):
            return self._paired(listed)
        if "interactions" in document and document["interactions"] is None:
            return iter(())
        requests, responses = document.get("requests"), document.get("responses")
        if isinstance(requests, list) and isinstance(responses, list):
            self._flavours.add(SPLIT)
            return self._parallel(requests, responses)
        raise self._refused(f"it is no cassette, but {_described(document)}")

    def _top(self, document: Fields) -> None:
        ruby = "http_interactions" in document
        split = "requests" in document
        if not ruby and not split and "version" not in document:
            self._seen.saw(oddities.VERSIONLESS)
        elif document.get("version", 1) not in (1, "1"):
            self._seen.saw(oddities.VERSION)
        self._unknown(document, _TOP, "")

    def _paired(self, listed: list[object]) -> Iterator[tuple[object, object, str]]:
        for index, one in enumerate(listed):
            place = f"interactions[{index}]"
            if not isinstance(one, Mapping):
                raise self._refused(f"{place} is {_described(one)}", place)
            if "direction" in one and "data" in one:
                raise self._refused("it holds WebSocket frames", place, _ONLY_HTTP)
            if "request" not in one or "response" not in one:
                raise self._refused(f"{place} has no request or no response", place)
            self._unknown(one, _INTERACTION, "interactions.")
            yield one["request"], one["response"], place

    def _parallel(
        self, requests: list[object], responses: list[object]
    ) -> Iterator[tuple[object, object, str]]:
        self._seen.saw(oddities.NO_RESPONSE, max(0, len(requests) - len(responses)))
        self._seen.saw(oddities.NO_REQUEST, max(0, len(responses) - len(requests)))
        for index, (request, response) in enumerate(zip(requests, responses, strict=False)):
            yield request, response, f"requests[{index}]"

    # --- one exchange -----------------------------------------------------------------------------

    def _interaction(self, request: object, response: object, place: str) -> Interaction:
        if not isinstance(request, Mapping):
            raise self._refused(f"the request of {place} is {_described(request)}", place)
        if not isinstance(response, Mapping):
            raise self._refused(f"the response of {place} is {_described(response)}", place)
        try:
            asked = self._request(request)
            return Interaction(request=asked, response=self._response(response, asked.method))
        except ValueError as error:
            raise self._refused(f"{place} makes no sense: {error}", place) from error

    def _request(self, fields: Fields) -> Request:
        self._unknown(fields, _REQUEST, "request.")
        method, url = fields.get("method"), fields.get("uri")
        if not isinstance(method, str) or not isinstance(url, str):
            raise ValueError("a request has a method and a uri, and both are text")  # noqa: TRY004 - the file's fault
        (method + url).encode()  # half a character has no form in a cassette: a ValueError
        self._seen.saw(oddities.LOWER, method != method.upper())
        self._seen.saw(oddities.NO_URL, not url.lower().startswith(_HTTP))
        headers = header_pairs(fields.get("headers"), self._seen)
        body = self._body(fields, fields.get("body"))
        headers = true_headers(headers, body, self._seen, bodiless=False)
        return Request(method=method, url=url, headers=headers, body=body)

    def _response(self, fields: Fields, method: str) -> ForeignResponse:
        self._unknown(fields, _RESPONSE, "response.")
        old = "status_code" in fields
        if old:
            self._flavours.add(OLD_HTTPX)
        status, reason = _status(fields)
        headers = header_pairs(fields.get("headers"), self._seen)
        body = self._body(fields, fields.get("content") if old else fields.get("body") or None)
        return ForeignResponse(
            status=status,
            reason=reason,
            http_version=_http_version(fields.get("http_version")),
            headers=self._true(headers, body, method, status),
            body=body,
        )

    def _true(self, headers: Headers, body: bytes, method: str, status: int) -> Headers:
        bodiless = is_bodiless(method, status)
        return true_headers(headers, body, self._seen, bodiless=bodiless)

    def _body(self, fields: Fields, plain: object) -> bytes:
        parsed = fields.get("parsed_body")
        if parsed is None:
            return body_bytes(plain, self._seen)
        self._flavours.add(PARSED)
        self._seen.saw(oddities.PARSED)
        return json_bytes(parsed)

    # --- words ------------------------------------------------------------------------------------

    def _unknown(self, fields: Fields, known: set[str], prefix: str) -> None:
        for name in fields:
            if name not in known:
                self._seen.not_kept(f"{prefix}{name}")

    def _refused(self, reason: str, place: str = "", cure: str = "") -> CassetteForeignError:
        return refused(self._path, reason, place=place, cure=cure)


_ONLY_HTTP = "only HTTP exchanges can be imported"


def _status(fields: Fields) -> tuple[int, bytes]:
    told = fields.get("status_code", fields.get("status"))
    reason: object = None
    if isinstance(told, Mapping):
        reason = told.get("message")
        told = told.get("code")
    try:
        status = int(str(told))
    except ValueError:
        status = 0
    if status not in _STATUSES:
        raise ValueError(f"{told!r} is no HTTP status")
    return status, as_bytes(reason) if reason is not None else b""


def _http_version(told: object) -> bytes:
    """Give the version as a status line has it; unsaid, that which vcrpy replays."""
    text = str(told or "1.1").upper()
    return as_bytes(text if text.startswith("HTTP/") else f"HTTP/{text}")


def _has(value: object, key: str) -> bool:
    return isinstance(value, Mapping) and key in value


def _described(value: object) -> str:
    if isinstance(value, Mapping):
        names = ", ".join(str(key) for key in list(value)[:5])
        return f"a mapping of {names}" if names else "an empty mapping"
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), "a single value")
