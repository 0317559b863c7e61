"""Made-up exchanges as they look on the wire: headers, streamed events, and the parts put together.

Owns the shape of an exchange of these workloads. What is said in it comes from `cassette_teams` and
`transcripts`; nothing here is stored or measured.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterable, Sequence
from hashlib import sha256
from time import gmtime, strftime
from typing import NamedTuple

from agentvcr.model.exchange import Chunk, Ending, Exchange, Headers, Request, Response

Json = dict[str, object]

EPOCH = 1_763_816_000
"""Seconds of the wall clock when a run begins."""
_LETTERS = string.ascii_letters + string.digits


class Asked(NamedTuple):
    """A request, and who sent it when."""

    number: int
    lane: str
    client: str
    at_us: int
    method: str
    url: str
    headers: Headers
    body: bytes


class Answered(NamedTuple):
    """An answer: its head, and chunks with the microseconds at which they came."""

    at_us: int
    status: int
    headers: Headers
    chunks: Sequence[tuple[int, bytes]]
    end_us: int


def made(asked: Asked, answered: Answered) -> Exchange:
    """Put an exchange together: the one place that knows all of its fields."""
    place = f"{asked.lane}\n{asked.method}\n{asked.url}\n".encode()
    return Exchange(
        number=asked.number,
        process=0,
        lane=asked.lane,
        client=asked.client,
        began_ns=asked.at_us * 1000,
        request=Request(method=asked.method, url=asked.url, headers=asked.headers, body=asked.body),
        fingerprint=sha256(place + asked.body).digest()[:8],
        raw_hash=sha256(asked.body).digest()[:8],
        response=Response(
            at_ns=answered.at_us * 1000,
            status=answered.status,
            reason=b"OK",
            http_version=b"HTTP/1.1",
            headers=answered.headers,
            chunks=tuple(Chunk(at_ns=at * 1000, data=data) for at, data in answered.chunks),
        ),
        ending=Ending(at_ns=answered.end_us * 1000, kind="eof"),
    )


def compact(value: object) -> bytes:
    """Encode as the clients do."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def letters(dice: random.Random, count: int) -> str:
    """Draw letters and digits."""
    return "".join(dice.choices(_LETTERS, k=count))


def uuid(dice: random.Random) -> str:
    """Draw a UUID."""
    text = f"{dice.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def date(at_us: int) -> bytes:
    """Write the time as a `Date` header has it."""
    return strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(EPOCH + at_us // 1_000_000)).encode()


def client_headers(host: str, agent: str, secret: str, cookie: str, size: int) -> Headers:
    """Write what an SDK of a provider sends."""
    anthropic = agent == "Anthropic"
    name = "X-Api-Key" if anthropic else "Authorization"
    fields = {
        "Host": host,
        "Accept-Encoding": "gzip, deflate",
        "Connection": "keep-alive",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": f"{agent}/Python {'2.12.0' if anthropic else '3.54.0'}",
        "X-Stainless-Lang": "python",
        "X-Stainless-Package-Version": "2.12.0" if anthropic else "3.54.0",
        "X-Stainless-OS": "Linux",
        "X-Stainless-Arch": "x64",
        "X-Stainless-Runtime": "CPython",
        "X-Stainless-Runtime-Version": "3.11.7",
        "X-Stainless-Async": "false",
        name: secret if anthropic else f"Bearer {secret}",
        "x-stainless-retry-count": "0",
        "x-stainless-read-timeout": "600",
        "Content-Length": str(size),
    }
    if anthropic:
        fields["anthropic-version"] = "2023-06-01"
    if cookie:
        fields["Cookie"] = f"__cf_bm={cookie}"
    return headers_of(fields)


def headers_of(fields: dict[str, str]) -> Headers:
    """Turn text into raw pairs."""
    return tuple((name.encode(), value.encode()) for name, value in fields.items())


def provider_headers(dice: random.Random, at_us: int, waited_us: int, tokens: int) -> Headers:
    """Write what OpenAI's edge answers."""
    ms = waited_us // 1000
    left = 2_000_000 - tokens
    fields = {
        "Date": date(at_us).decode(),
        "Content-Type": "text/event-stream; charset=utf-8",
        "Transfer-Encoding": "chunked",
        "Connection": "keep-alive",
        "access-control-expose-headers": "X-Request-ID",
        "openai-organization": "example-research",
        "openai-processing-ms": str(ms - 12),
        "openai-project": "proj_8Qm2WcVnT41uYxRbKe7dLsPa",
        "openai-version": "2020-10-01",
        "x-envoy-upstream-service-time": str(ms - 5),
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-limit-tokens": "2000000",
        "x-ratelimit-remaining-requests": str(9999 - dice.randrange(4)),
        "x-ratelimit-remaining-tokens": str(left),
        "x-ratelimit-reset-requests": "6ms",
        "x-ratelimit-reset-tokens": f"{tokens * 30 // 1000}ms",
        "x-request-id": f"req_{dice.getrandbits(128):032x}",
        "cf-cache-status": "DYNAMIC",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
        "X-Content-Type-Options": "nosniff",
        "Server": "cloudflare",
        "CF-RAY": f"{dice.getrandbits(64):016x}-FRA",
        "alt-svc": 'h3=":443"; ma=86400',
    }
    return headers_of(fields)


def anthropic_headers(dice: random.Random, at_us: int, tokens: int) -> Headers:
    """Write what Anthropic's edge answers."""
    reset = strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(EPOCH + at_us // 1_000_000 + 1))
    fields = {
        "Date": date(at_us).decode(),
        "Content-Type": "text/event-stream; charset=utf-8",
        "Transfer-Encoding": "chunked",
        "Connection": "keep-alive",
        "Cache-Control": "no-cache",
        "anthropic-ratelimit-input-tokens-limit": "2000000",
        "anthropic-ratelimit-input-tokens-remaining": str((2_000_000 - tokens) // 1000 * 1000),
        "anthropic-ratelimit-input-tokens-reset": reset,
        "anthropic-ratelimit-output-tokens-limit": "400000",
        "anthropic-ratelimit-output-tokens-remaining": "400000",
        "anthropic-ratelimit-output-tokens-reset": reset,
        "request-id": f"req_011C{letters(dice, 20)}",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "anthropic-organization-id": "5f1c2d7e-0b94-4a63-8d11-6a7e2f90c3b8",
        "Server": "cloudflare",
        "x-envoy-upstream-service-time": str(dice.randrange(400, 2500)),
        "cf-cache-status": "DYNAMIC",
        "X-Robots-Tag": "none",
        "CF-RAY": f"{dice.getrandbits(64):016x}-FRA",
    }
    return headers_of(fields)


def openai_events(
    dice: random.Random, model: str, created: int, deltas: Iterable[Json], used: tuple[int, int]
) -> list[bytes]:
    """Stream deltas as Chat Completions does."""
    same: Json = {
        "id": f"chatcmpl-{letters(dice, 29)}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_a1b2c3d4e5",
    }

    def event(choices: list[Json], usage: Json | None) -> bytes:
        padding = letters(dice, dice.randint(1, 14))
        told = {**same, "choices": choices, "usage": usage, "obfuscation": padding}
        return b"data: %b\n\n" % compact(told)

    def choice(delta: Json, reason: str | None) -> list[Json]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]

    first: Json = {"role": "assistant", "content": "", "refusal": None}
    out = [event(choice(first, None), None)]
    calls = False
    for delta in deltas:
        calls = calls or "tool_calls" in delta
        out.append(event(choice(delta, None), None))
    out.append(event(choice({}, "tool_calls" if calls else "stop"), None))
    read, said = used
    usage: Json = {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}
    usage["prompt_tokens_details"] = {"cached_tokens": read // 128 * 128, "audio_tokens": 0}
    return [*out, event([], usage), b"data: [DONE]\n\n"]


def anthropic_events(
    dice: random.Random,
    model: str,
    blocks: Sequence[tuple[Json, list[Json]]],
    used: tuple[int, int],
) -> list[bytes]:
    """Stream blocks, each with its deltas, as Messages does."""

    def event(kind: str, **fields: object) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), compact({"type": kind, **fields}))

    usage = {"input_tokens": 4, "cache_read_input_tokens": used[0], "output_tokens": 2}
    message: Json = {
        "id": f"msg_01{letters(dice, 22)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "service_tier": "standard"},
    }
    out = [event("message_start", message=message)]
    for index, (block, deltas) in enumerate(blocks):
        out.append(event("content_block_start", index=index, content_block=block))
        if index == 0:
            out.append(event("ping"))
        out += [event("content_block_delta", index=index, delta=delta) for delta in deltas]
        out.append(event("content_block_stop", index=index))
    reason = "tool_use" if len(blocks) > 1 else "end_turn"
    delta = {"stop_reason": reason, "stop_sequence": None}
    out.append(event("message_delta", delta=delta, usage={"output_tokens": used[1]}))
    return [*out, event("message_stop")]


def arrivals(
    dice: random.Random, at_us: int, events: list[bytes], gap_us: int = 18_000
) -> list[tuple[int, bytes]]:
    """Let events arrive one by one; a tenth comes together with the one after it."""
    out: list[tuple[int, bytes]] = []
    waiting = b""
    for event in events:
        waiting += event
        if dice.random() < 0.1:
            continue
        at_us += 60 + int(dice.expovariate(1 / gap_us))
        out.append((at_us, waiting))
        waiting = b""
    if waiting:
        out.append((at_us + 150, waiting))
    return out
