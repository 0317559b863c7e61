"""A provider that plays whole agent runs of other projects again, answer by answer.

Owns reading a recorded run as a play (which agents it had, with which tools, who spoke when), and
the loopback server that gives the n-th request of a play the n-th recorded answer. Its tools are
played too: each is a service that knows what the recorded tool said, and adds a number of its own
that is never the same twice. Does not read the recordings' files (`tests/support/corpora.py`) and
does not run the agents (`programs/corpora_agent.py`).
"""

import contextlib
import dataclasses
import gzip
import itertools
import json
import pathlib
import secrets
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from tests.support import corpora, wire
from tests.support.corpora import Recording
from tests.support.corpora_server import split
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

EACH = 3
_ENCODINGS = ("", "gzip")


class NotPlayableError(Exception):
    """A recorded run that is no loop of agents and function tools, or that cannot be followed."""


@dataclasses.dataclass
class Agent:
    """One of a play's agents."""

    family: str
    model: str
    instructions: str
    streamed: bool
    max_tokens: int | None
    tools: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    ending: set[str] = dataclasses.field(default_factory=set)
    """Tools that are not answered to this agent: a handoff, or a result with a schema."""
    asked: set[str] = dataclasses.field(default_factory=set)
    """Tools that it called and whose results it got."""

    def told(self) -> dict[str, Any]:
        """Give what the program has to know."""
        own = {"tools": list(self.tools.values()), "ending": sorted(self.ending)}
        names = ("family", "model", "instructions", "streamed", "max_tokens")
        return {**{name: getattr(self, name) for name in names}, **own}


@dataclasses.dataclass
class Turn:
    """One agent's part: from what it is asked to its answer."""

    agent: int
    prompt: str | None
    """None: it goes on with the conversation as it is."""
    carries: bool
    """Whether it knows what was said before it."""
    calls: dict[str, list["Turn"]] = dataclasses.field(default_factory=dict)
    """Tool calls that other agents answer: who speaks meanwhile."""
    waiting: list[str] = dataclasses.field(default_factory=list)
    meanwhile: list["Turn"] = dataclasses.field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Give what the program has to know."""
        calls = {call: [one.told() for one in turns] for call, turns in self.calls.items()}
        return {"agent": self.agent, "prompt": self.prompt, "carries": self.carries, "calls": calls}


@dataclasses.dataclass
class Play:
    """A recorded run: who speaks when, and what everybody was answered."""

    name: str
    answers: list[Recording]
    agents: list[Agent] = dataclasses.field(default_factory=list)
    turns: list[Turn] = dataclasses.field(default_factory=list)
    results: dict[str, str] = dataclasses.field(default_factory=dict)
    """Call id → what the recorded tool answered."""
    answered: list[set[str]] = dataclasses.field(default_factory=list)
    """For each request, the ids of the calls whose results it carried."""

    @property
    def sort(self) -> tuple[object, ...]:
        """What makes it another sort of play than the next."""
        first = self.agents[0]
        return first.family, first.streamed, len(self.agents) > 1

    def script(self) -> dict[str, Any]:
        """Give what `programs/corpora_agent.py` has to know: no answers, and no tool's results."""
        agents = [one.told() for one in self.agents]
        return {"name": self.name, "agents": agents, "turns": [one.told() for one in self.turns]}


# --- which runs can be played ---------------------------------------------------------------------


def choose(root: pathlib.Path, *, each: int = EACH) -> list[Play]:
    """Choose up to `each` plays of every sort, the longest first.

    The choice depends on the files alone: the same folder gives the same list.
    """
    chosen: dict[tuple[object, ...], list[Play]] = {}
    for play in sorted(playable(root), key=lambda play: (-len(play.answers), play.name)):
        chosen.setdefault(play.sort, []).append(play)
    picked = [play for some in chosen.values() for play in some[:each]]
    return sorted(picked, key=lambda play: play.name)


def playable(root: pathlib.Path) -> Iterator[Play]:
    """Read every recorded run that can be played."""
    for path in sorted(root.rglob("*.yaml")):
        name = str(path.relative_to(root))
        with contextlib.suppress(NotPlayableError):
            yield read(name, list(corpora.read(path, name=name)))


def read(name: str, answers: Sequence[Recording]) -> Play:
    """Read a recorded run as a play.

    Raises:
        NotPlayableError: It calls no tool, or uses what the program of the test does not play.
    """
    play = Play(name=name, answers=list(answers))
    _require(len(answers) > 1, "one exchange")
    for answer in answers:
        _require(answer.family in _READERS and answer.status == 200, "not an answered question")
        _require(answer.header("content-encoding") in _ENCODINGS, "another encoding")
    asked = [_READERS[answer.family](answer.asked) for answer in answers]
    for one in asked:
        play.results.update(one.results)
    _require(bool(play.results), "no tool was called")
    _Reading(play).read(asked)
    return play


def _require(holds: bool, what: str) -> None:  # noqa: FBT001  (the condition)
    if not holds:
        raise NotPlayableError(what)


class _Reading:
    """Follows the requests of a run: who goes on, who is new, who was handed the work."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._agents: dict[tuple[object, ...], int] = {}
        self._open: list[Turn] = []
        self._names: dict[str, str] = {}
        self._seen: set[str] = set()

    def read(self, asked: Sequence["_Question"]) -> None:
        for question, answer in zip(asked, self._play.answers, strict=True):
            agent = self._agent(question, answer)
            fresh = [call for call in question.results if call not in self._seen]
            self._seen.update(fresh)
            self._play.answered.append(set(question.results))
            turn = self._answered(fresh, agent) if fresh else self._begun(question, agent)
            calls = dict(called(answer))
            told = [call for call in calls if call in self._play.results]
            _require(len(told) in (0, len(calls)), "some of the calls were answered")
            turn.waiting = told
            self._names.update(calls)
            if not told:
                self._play.agents[agent].ending.update(calls.values())
                self._open.pop()
        _require(not self._open, "it ends in mid-turn")
        for one in self._play.agents:
            _require(one.ending <= set(one.tools) - one.asked, "a tool that is answered and is not")

    def _agent(self, question: "_Question", answer: Recording) -> int:
        streamed = bool(answer.asked.get("stream"))
        _require(streamed == answer.streamed, "not streamed as asked")
        key = (answer.family, question.instructions, streamed)
        if key not in self._agents:
            self._agents[key] = len(self._play.agents)
            model, most = str(answer.asked["model"]), answer.asked.get("max_tokens")
            one = Agent(answer.family, model, question.instructions, streamed, most)
            self._play.agents.append(one)
        self._play.agents[self._agents[key]].tools.update(question.tools)
        return self._agents[key]

    def _answered(self, calls: list[str], agent: int) -> Turn:
        """Tool results came: for the turn that waits, or, after a handoff, for the next one."""
        _require(bool(self._open) and set(calls) == set(self._open[-1].waiting), "lost calls")
        turn = self._open[-1]
        if turn.agent == agent:
            self._play.agents[agent].asked.update(self._names[call] for call in calls)
            self._place(turn)
            return turn
        _require(len(calls) == 1 and not turn.meanwhile, "a handoff among other calls")
        self._play.agents[turn.agent].ending.add(self._names[calls[0]])
        self._open.pop()
        return self._enter(Turn(agent, None, carries=True))

    def _place(self, turn: Turn) -> None:
        """Say which of the calls was answered by those who spoke since."""
        if turn.meanwhile:
            alone = len(turn.waiting) == 1
            parts = [turn.meanwhile] if alone else [[one] for one in turn.meanwhile]
            _require(len(turn.waiting) == len(parts), "who answered which call")
            turn.calls.update(zip(turn.waiting, parts, strict=True))
            turn.meanwhile = []

    def _begun(self, question: "_Question", agent: int) -> Turn:
        _require(question.prompt is not None, "asked in more than words")
        _require(not (question.goes_on and self._open), "a conversation within another")
        return self._enter(Turn(agent, question.prompt, carries=question.goes_on))

    def _enter(self, turn: Turn) -> Turn:
        (self._open[-1].meanwhile if self._open else self._play.turns).append(turn)
        self._open.append(turn)
        return turn


# --- what was asked and answered, in the words of three APIs --------------------------------------


@dataclasses.dataclass
class _Question:
    instructions: str
    tools: dict[str, dict[str, Any]]
    results: dict[str, str]
    prompt: str | None
    goes_on: bool  # the model has already said something in this conversation


def _text(content: Any) -> str | None:
    """The words of a message; None where there is more in it than words."""
    if content is None or isinstance(content, str):
        return content
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    return "\n".join(texts) if all(isinstance(text, str) for text in texts) else None


def _result(content: Any) -> str:
    text = _text(content)
    return json.dumps(content) if text is None else text


def _tool(given: dict[str, Any], schema: str) -> dict[str, Any]:
    _require("name" in given and schema in given, "a tool of the provider's own")
    told = given.get("description")
    return {"name": given["name"], "description": told, "schema": given[schema]}


def _read_chat(body: dict[str, Any]) -> _Question:
    said = body["messages"]
    tools = [_tool(one.get("function", {}), "parameters") for one in body.get("tools") or []]
    return _question(
        [_result(one["content"]) for one in said if one["role"] in ("system", "developer")],
        tools,
        {one["tool_call_id"]: _result(one["content"]) for one in said if one["role"] == "tool"},
        [one for one in said if one["role"] in ("user", "assistant")],
    )


def _read_responses(body: dict[str, Any]) -> _Question:
    said = body["input"]
    _require("previous_response_id" not in body, "a conversation that the provider keeps")
    if isinstance(said, str):
        said = [{"role": "user", "content": said}]
    tools = [one for one in body.get("tools") or [] if one.get("type") == "function"]
    _require(len(tools) == len(body.get("tools") or []), "a tool of the provider's own")
    system = [one for one in said if one.get("role") in ("system", "developer")]
    _require(all("content" in one for one in system), "a tool of the provider's own")
    results = [one for one in said if one.get("type") == "function_call_output"]
    return _question(
        [*filter(None, [body.get("instructions")]), *(_result(one["content"]) for one in system)],
        [_tool(one, "parameters") for one in tools],
        {one["call_id"]: _result(one["output"]) for one in results},
        [
            one if "role" in one else {"role": "assistant"}
            for one in said
            if one not in system and one not in results
        ],
    )


def _read_messages(body: dict[str, Any]) -> _Question:
    contents = [one["content"] for one in body["messages"] if isinstance(one["content"], list)]
    blocks = [one for one in itertools.chain(*contents) if one.get("type") == "tool_result"]
    return _question(
        [_result(body["system"])] if body.get("system") else [],
        [_tool(one, "input_schema") for one in body.get("tools") or []],
        {one["tool_use_id"]: _result(one.get("content")) for one in blocks},
        body["messages"],
    )


def _question(
    system: list[str],
    tools: list[dict[str, Any]],
    results: dict[str, str],
    said: list[dict[str, Any]],
) -> _Question:
    users = [one for one in said if one["role"] == "user"]
    return _Question(
        instructions="\n\n".join(system),
        tools={tool["name"]: tool for tool in tools},
        results=results,
        prompt=_text(users[-1]["content"]) if users else None,
        goes_on=any(one["role"] == "assistant" for one in said),
    )


_READERS = {"chat": _read_chat, "responses": _read_responses, "messages": _read_messages}


def called(answer: Recording) -> Iterator[tuple[str, str]]:
    """Name the tool calls of a recorded answer: (id, tool)."""
    zipped = answer.body.startswith(b"\x1f\x8b")
    text = (gzip.decompress(answer.body) if zipped else answer.body).decode()
    lines = [text]
    if answer.streamed:
        lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    for value in (json.loads(line) for line in lines if line != "[DONE]"):
        yield from _CALLS[answer.family](value)


def _chat_calls(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for choice in value.get("choices") or []:
        message = choice.get("message") or choice.get("delta") or {}
        for call in message.get("tool_calls") or []:
            if call.get("id"):
                yield call["id"], call["function"]["name"]


def _responses_calls(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    done = value.get("type") == "response.output_item.done"
    for item in [value["item"]] if done else value.get("output") or []:
        if item.get("type") == "function_call":
            yield item["call_id"], item["name"]


def _messages_calls(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for block in [*(value.get("content") or []), value.get("content_block") or {}]:
        if block.get("type") == "tool_use":
            yield block["id"], block["name"]


_CALLS = {"chat": _chat_calls, "responses": _responses_calls, "messages": _messages_calls}


# --- the server -----------------------------------------------------------------------------------


class CorporaProvider(LoopbackServer):
    """Answers the n-th request of a play as it was recorded; each play has a prefix of its own.

    Under `/p00` are the paths of the provider (`/p00/v1/messages`), and `/p00/tools` asks a tool.
    What does not fit the recording is answered with a 404, which ends the program.
    """

    def __init__(self, plays: Sequence[Play]) -> None:
        super().__init__()
        self.plays = list(plays)
        self.carried: list[list[set[str]]] = [[] for _ in plays]
        """For each play and request, the ids of the calls whose results it carried."""
        self._taking = threading.Lock()

    def answer(self, asked: Asked, line: Line) -> None:
        _, prefix, path = asked.path.split("/", 2)
        place = int(prefix.removeprefix("p"))
        if path == "tools":
            self._tool(self.plays[place], asked.json(), line)
            return
        recording = self._next(place, "/" + path, asked)
        if recording is None:
            line.send(wire.whole_json({"error": {"message": "not recorded"}}, status=404))
        elif not recording.streamed:
            line.send(wire.whole(recording.status, recording.body, recording.headers))
        else:
            line.send(wire.head(recording.status, (*recording.headers, wire.CHUNKED)))
            for data in split(recording.body, seed=recording.name):
                line.send(wire.piece(data))
            line.send(wire.LAST_PIECE)

    def _next(self, place: int, path: str, asked: Asked) -> Recording | None:
        with self._taking:
            carried, answers = self.carried[place], self.plays[place].answers
            if len(carried) >= len(answers) or answers[len(carried)].path != path:
                return None
            recording = answers[len(carried)]
            carried.append(set(_READERS[recording.family](asked.json()).results))
            return recording

    def _tool(self, play: Play, call: dict[str, Any], line: Line) -> None:
        if call.get("id") not in play.results:
            line.send(wire.whole_json({"error": "no such call"}, status=404))
            return
        ticket = secrets.token_hex(8)
        line.send(wire.whole_json({"result": play.results[call["id"]], "ticket": ticket}))
