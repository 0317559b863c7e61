"""What the demo's model says: a pure function from a conversation to a reply.

Owns the words. Knows no HTTP and no wire format: `provider` does. Like a real model it says it
differently each time, so that only a recording can bring one particular run back.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentvcr.demo.tools import FACTS

Message = Mapping[str, object]
"""One chat message, as it was in the request."""

_OPENINGS = ("In short", "Put simply", "What stands out", "The main point")
_VERDICTS = ("plant them, street by street", "start with the hottest streets", "plant, and budget")


@dataclass(frozen=True, kw_only=True)
class ToolCall:
    """A function that the model wants called."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the model: text, and perhaps a tool call."""

    text: str
    tool_call: ToolCall | None = None


def reply(messages: Sequence[Message], *, call: int, seed: int) -> Reply:
    """Answer a conversation as the agent that its system message describes.

    Args:
        messages: The conversation so far.
        call: The number of this call; it shows in the answer.
        seed: What makes this provider's choice of words differ from another's.
    """
    choose = random.Random(seed * 1_000_003 + call)
    role = _text(messages[0])
    if "planner" in role:
        return Reply(text=_plan(choose, call))
    if "researcher" in role:
        return _research(messages, choose, call)
    if "writer" in role:
        return Reply(text=_write(_text(messages[-1]), choose, call))
    return Reply(text=f"Answer {call} to: {_text(messages[-1])}")


def _plan(choose: random.Random, call: int) -> str:
    topics = choose.sample(sorted(FACTS), k=2)
    return json.dumps({"plan": call, "topics": topics})


def _research(messages: Sequence[Message], choose: random.Random, call: int) -> Reply:
    last = messages[-1]
    if last.get("role") == "tool":
        hits = json.loads(_text(last))["hits"]
        fact = choose.choice(hits)["text"] if hits else "The survey says nothing about it."
        return Reply(text=f"{choose.choice(_OPENINGS)} (note {call}): {fact}")
    topic = _text(last).removeprefix("Topic: ")
    arguments = json.dumps({"query": f"{topic}, round {call}"})
    return Reply(
        text=f"Let me look up {topic}.",
        tool_call=ToolCall(
            id=f"call_{choose.getrandbits(64):016x}", name="search", arguments=arguments
        ),
    )


def _write(notes: str, choose: random.Random, call: int) -> str:
    findings = [line.removeprefix("- ") for line in notes.splitlines() if line.startswith("- ")]
    body = " ".join(findings)
    return f"Briefing, draft {call}. {body} Our advice: {choose.choice(_VERDICTS)}."


def _text(message: Message) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""
