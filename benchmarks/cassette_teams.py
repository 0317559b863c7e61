"""A team of five agents at work: what each asks its model and its tools, turn by turn.

Owns the conversations and the order of their turns. The bytes of headers and events are
`cassette_wire`'s.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterator
from itertools import count
from time import gmtime, strftime
from typing import NamedTuple
from urllib.parse import urlencode

import cassette_wire as wire
from cassette_prose import Prose
from cassette_wire import Answered, Asked, Json

from agentvcr.model.exchange import Exchange, Headers

STYLES = ("appending", "appending", "caching", "window", "clock")
"""Two append-only conversations, one with a moving `cache_control` (Anthropic), one that keeps the
last messages only, one with the time in its system prompt."""
TURNS = 40
_WINDOW = 12
_HANDED_ON = 0.15
_CLIPPED = 2200
"""Characters of a tool's answer that its agent shows its model."""
_TOKEN = re.compile(r"\s*\S+")
_PLACES = ("search", "tickets", "files", "metrics")


class _Call(NamedTuple):
    """A tool call that a model made."""

    id: str
    name: str
    arguments: str


class _Told(NamedTuple):
    """What a model answered, and when it had finished."""

    at_us: int
    text: str


class Team:
    """Five agents on one task, which share tools and hand messages on."""

    def __init__(self, session: int, began_us: int) -> None:
        """Start all five, one shortly after the other."""
        self.prose = Prose(f"team {session}")
        self.tools = [self._tool(index) for index in range(14)]
        self._agents = [Agent(self, session, index) for index in range(len(STYLES))]
        starts = [began_us + 40_000 * index + self.pause() for index in range(len(STYLES))]
        self._due = [(at, index, 0) for index, at in enumerate(starts)]
        self.now_us = began_us

    def pause(self) -> int:
        """Draw the microseconds that a program takes between two exchanges."""
        return 900 + int(self.prose.dice.lognormvariate(8.5, 0.9))

    def turns(self, numbers: Iterator[int]) -> Iterator[Exchange]:
        """Give the team's exchanges in the order in which they begin."""
        while self._due:
            at, index, turn = heapq.heappop(self._due)
            exchange, end_us = self._agents[index].turn(next(numbers), turn, at)
            self.now_us = max(self.now_us, end_us)
            if turn + 1 < TURNS:
                heapq.heappush(self._due, (end_us + self.pause(), index, turn + 1))
            yield exchange

    def handed_on(self, to: Agent, at_us: int) -> str | None:
        """Choose what another agent said before now, if anything."""
        said = [
            told.text
            for agent in self._agents
            if agent is not to
            for told in agent.told[-2:]
            if told.at_us < at_us
        ]
        return self.prose.dice.choice(said) if said else None

    def _tool(self, index: int) -> Json:
        properties: Json = {
            f"{self.prose.words(1)[0].lower().strip('.,')}_{place}": {
                "type": kind,
                "description": self.prose.text(110),
            }
            for place, kind in enumerate(("string", "integer", "string", "boolean"))
        }
        return {
            "name": f"{_PLACES[index % len(_PLACES)]}_{index}",
            "description": self.prose.text(650),
            "schema": {
                "type": "object",
                "properties": properties,
                "required": list(properties)[:2],
                "additionalProperties": False,
            },
        }


class Agent:
    """One agent: its conversation so far and the tool call that is open."""

    def __init__(self, team: Team, session: int, index: int) -> None:
        """Give it a role, tools and a lane."""
        self._team = team
        self._lane = f"main/task{session + 1}/task{index + 1}"
        self._style = STYLES[index]
        self._prose = Prose(f"agent {session} {index}")
        self.dice = self._prose.dice
        self._role = self._prose.text(9000)
        self._tools = [self._spelled(tool) for tool in team.tools[index : index + 10]]
        self._history: list[Json] = []
        self.told: list[_Told] = []
        self._call: _Call | None = None
        self._secret = f"redacted-{self.dice.getrandbits(64):016x}"
        self._cookie = ""

    @property
    def _anthropic(self) -> bool:
        return self._style == "caching"

    def turn(self, number: int, turn: int, at_us: int) -> tuple[Exchange, int]:
        """Do the next exchange; gives it and when it was over."""
        if self._call is not None:
            call, self._call = self._call, None
            asked, answered = self._use_tool(number, call, at_us)
        else:
            self._say(at_us)
            asked, answered = self._ask_model(number, at_us, calls=turn % 4 == 0)
        return wire.made(asked, answered), answered.end_us

    def _say(self, at_us: int) -> None:
        """Add a message of the program's, or of another agent, unless a tool's answer is there."""
        last = self._history[-1] if self._history else None
        if last is not None and self._is_result(last):
            return
        text = None
        if self.dice.random() < _HANDED_ON * 1.5:  # two of three requests come here
            text = self._team.handed_on(self, at_us)
        text = text or self._prose.text(self.dice.randint(120, 600))
        content: object = [{"type": "text", "text": text}] if self._anthropic else text
        self._history.append({"role": "user", "content": content})

    def _is_result(self, message: Json) -> bool:
        content = message["content"]
        if isinstance(content, list):
            return content[0]["type"] == "tool_result"
        return message["role"] == "tool"

    def _spelled(self, tool: Json) -> Json:
        name, description, schema = tool["name"], tool["description"], tool["schema"]
        if self._anthropic:
            return {"name": name, "description": description, "input_schema": schema}
        function = {"name": name, "description": description, "parameters": schema, "strict": True}
        return {"type": "function", "function": function}

    def _body(self, at_us: int) -> bytes:
        role = self._role
        if self._style == "clock":
            now = strftime("%Y-%m-%d %H:%M:%S", gmtime(wire.EPOCH + at_us // 1_000_000))
            role = f"{role[:120]} It is now {now} UTC. {role[120:]}"
        if self._anthropic:
            return self._caching_body(role)
        kept = self._history
        if self._style == "window" and len(kept) > _WINDOW:
            kept = kept[-_WINDOW:]
            while self._is_result(kept[0]):
                kept = kept[1:]
        messages = [{"role": "system", "content": role}, *kept]
        body: Json = {"messages": messages, "model": "gpt-4.1-2025-04-14", "stream": True}
        body["stream_options"] = {"include_usage": True}
        return wire.compact({**body, "temperature": 0.2, "tools": self._tools})

    def _caching_body(self, role: str) -> bytes:
        cached = {"cache_control": {"type": "ephemeral"}}
        *before, last = self._history
        content = last["content"]
        assert isinstance(content, list)
        moved = {"role": last["role"], "content": [*content[:-1], {**content[-1], **cached}]}
        body: Json = {"max_tokens": 4096, "messages": [*before, moved]}
        body["model"] = "claude-sonnet-4-5-20250929"
        body["system"] = [{"type": "text", "text": role, **cached}]
        return wire.compact({**body, "tools": self._tools, "stream": True})

    def _ask_model(self, number: int, at_us: int, *, calls: bool) -> tuple[Asked, Answered]:
        dice = self.dice
        host, path, sdk = "api.openai.com", "/v1/chat/completions", "OpenAI"
        if self._anthropic:
            host, path, sdk = "api.anthropic.com", "/v1/messages", "Anthropic"
        body = self._body(at_us)
        headers = wire.client_headers(host, sdk, self._secret, self._cookie, len(body))
        asked = Asked(
            number, self._lane, "httpx2", at_us, "POST", f"https://{host}{path}", headers, body
        )
        size = dice.randint(110, 220) if calls else dice.randint(270, 470)
        tokens = _TOKEN.findall(self._prose.text(size))
        call = self._called(dice.randint(2, 4)) if calls else None
        waited = 250_000 + int(dice.lognormvariate(12.8, 0.6))
        head_us = at_us + waited
        used = (len(body) // 4, len(tokens) + 20)
        events = self._events(tokens, call, head_us, used)
        chunks = wire.arrivals(dice, head_us, events)
        self._remember(_Told(chunks[-1][0], "".join(tokens)), call)
        answer_headers = self._answer_headers(head_us, waited, used[0])
        return asked, Answered(head_us, 200, answer_headers, chunks, chunks[-1][0] + 90)

    def _answer_headers(self, at_us: int, waited_us: int, tokens: int) -> Headers:
        if self._anthropic:
            return wire.anthropic_headers(self.dice, at_us, tokens)
        headers = wire.provider_headers(self.dice, at_us, waited_us, tokens)
        if self._cookie:
            return headers
        self._cookie = f"redacted-{self.dice.getrandbits(64):016x}"
        given = f"__cf_bm={self._cookie}; path=/; domain=.api.openai.com; HttpOnly; Secure"
        return (*headers, (b"Set-Cookie", given.encode()))

    def _called(self, size: int) -> _Call:
        tool = self.dice.choice(self._tools)
        function = tool.get("function", tool)
        assert isinstance(function, dict)
        query = " ".join(self._prose.words(size * 2))
        arguments = {"query": query, "limit": self.dice.randint(3, 50)}
        start = "toolu_01" if self._anthropic else "call_"
        return _Call(
            start + wire.letters(self.dice, 24), str(function["name"]), json.dumps(arguments)
        )

    def _events(
        self, tokens: list[str], call: _Call | None, at_us: int, used: tuple[int, int]
    ) -> list[bytes]:
        pieces = _TOKEN.findall(call.arguments) if call else []
        if not self._anthropic:
            deltas: list[Json] = [{"content": token} for token in tokens]
            if call:
                opened = {"name": call.name, "arguments": ""}
                first = {"index": 0, "id": call.id, "type": "function", "function": opened}
                more = [{"index": 0, "function": {"arguments": piece}} for piece in pieces]
                deltas += [{"tool_calls": [part]} for part in (first, *more)]
            created = wire.EPOCH + at_us // 1_000_000
            return wire.openai_events(self.dice, "gpt-4.1-2025-04-14", created, deltas, used)
        spoken: list[Json] = [{"type": "text_delta", "text": token} for token in tokens]
        blocks: list[tuple[Json, list[Json]]] = [({"type": "text", "text": ""}, spoken)]
        if call:
            block: Json = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            parts = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
            blocks.append((block, parts))
        return wire.anthropic_events(self.dice, "claude-sonnet-4-5-20250929", blocks, used)

    def _remember(self, told: _Told, call: _Call | None) -> None:
        self.told.append(told)
        self._call = call
        if not self._anthropic:
            message: Json = {"role": "assistant", "content": told.text}
            if call:
                function = {"name": call.name, "arguments": call.arguments}
                message["tool_calls"] = [{"id": call.id, "type": "function", "function": function}]
            self._history.append(message)
            return
        content: list[Json] = [{"type": "text", "text": told.text}]
        if call:
            arguments = json.loads(call.arguments)
            content.append(
                {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}
            )
        self._history.append({"role": "assistant", "content": content})

    def _use_tool(self, number: int, call: _Call, at_us: int) -> tuple[Asked, Answered]:
        dice = self.dice
        place, arguments = call.name.split("_")[0], json.loads(call.arguments)
        url, method, body = f"https://{place}.tools.example/v2/{call.name}", "POST", b""
        fields = {"Host": f"{place}.tools.example", "Accept": "*/*"}
        fields |= {"Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}
        fields["User-Agent"] = "python-httpx/0.28.1"
        if place in ("search", "files"):
            url, method = f"{url}?{urlencode(arguments)}", "GET"
        else:
            body = wire.compact(arguments)
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        asked = Asked(
            number, self._lane, "httpx", at_us, method, url, wire.headers_of(fields), body
        )
        answer = self._found(int(1000 * 20 ** dice.random()), at_us)
        shown = answer.decode()[:_CLIPPED]
        result: Json = {"role": "tool", "tool_call_id": call.id, "content": shown}
        if self._anthropic:
            block = {"type": "tool_result", "tool_use_id": call.id, "content": shown}
            result = {"role": "user", "content": [block]}
        self._history.append(result)
        return asked, self._served(answer, at_us)

    def _found(self, size: int, at_us: int) -> bytes:
        """Make a tool's JSON answer of about `size` bytes."""
        dice, prose = self.dice, self._prose
        hits: list[Json] = []
        for rank in count(1):
            hit: Json = {"id": wire.uuid(dice), "rank": rank, "title": prose.title()}
            hit["url"] = f"https://docs.example/{wire.letters(dice, 8)}/{dice.randrange(9999)}"
            hit["score"] = round(dice.random(), 6)
            hit["updated_at"] = wire.EPOCH - dice.randrange(90_000_000)
            hit["snippet"] = prose.text(dice.randint(150, 700))
            hits.append(hit)
            size -= len(str(hit))
            if size < 300:
                break
        return wire.compact({"took_ms": at_us % 211, "total": len(hits) * 17, "hits": hits})

    def _served(self, answer: bytes, at_us: int) -> Answered:
        dice = self.dice
        head_us = at_us + 15_000 + int(dice.lognormvariate(11, 0.8))
        fields = {
            "Server": "nginx",
            "Date": wire.date(head_us).decode(),
            "Content-Type": "application/json; charset=utf-8",
            "Content-Length": str(len(answer)),
            "Connection": "keep-alive",
            "Cache-Control": "no-store",
            "ETag": f'W/"{dice.getrandbits(64):016x}"',
            "X-Request-Id": wire.uuid(dice),
            "Vary": "Accept-Encoding",
        }
        chunks: list[tuple[int, bytes]] = []
        start, now = 0, head_us
        while start < len(answer):
            size = dice.choice((1400, 2800, 4200, 8192, 16384))
            now += dice.randint(40, 900)
            chunks.append((now, answer[start : start + size]))
            start += size
        return Answered(head_us, 200, wire.headers_of(fields), chunks, now + 60)
