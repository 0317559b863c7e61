"""A crew of agents with tools, and its provider: what assertions are made on.

Owns the crew and what its model answers. The model asks for tools that the crew then runs, and for
one that nobody runs.
"""

import json

import httpx

import agentvcr
from tests.support import wire
from tests.support.loopback import Line, LoopbackServer
from tests.support.wire import Asked

CALLS = {
    "Plan.": [("search", {"query": "trees"}), ("lookup", {"place": "Oslo", "days": 2})],
    "Thanks.": [("lookup", {"place": "Oslo", "days": 2})],
}
"""Which tools the model asks for when it is told this."""


class CrewProvider(LoopbackServer):
    """Answers a chat with what it was told, and asks for tools."""

    def answer(self, asked: Asked, line: Line) -> None:
        told = asked.json()["messages"][-1]["content"]
        if told == "Fail.":
            line.send(wire.whole_json({"error": {"message": "no"}}, status=429))
            return
        calls = [
            {"id": f"call_{name}{at}", "type": "function", "function": _function(name, arguments)}
            for at, (name, arguments) in enumerate(CALLS.get(told, ()))
        ]
        message = {"role": "assistant", "content": f"So: {told}", "tool_calls": calls}
        usage = {"prompt_tokens": 10, "completion_tokens": len(told)}
        answer = {"model": "demo-1", "choices": [{"message": message}], "usage": usage}
        line.send(wire.whole_json(answer))


def _function(name: str, arguments: dict) -> dict:
    return {"name": name, "arguments": json.dumps(arguments)}


class RefusedError(Exception):
    """The bank said no."""


class Crew:
    """Plans, writes twice, reviews and pays; asks the provider at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, text: str, *before: dict) -> str:
        messages = [*before, {"role": "user", "content": text}]
        body = {"model": "demo-1", "messages": messages}
        answer = httpx.post(f"{self.url}/v1/chat/completions", json=body)
        return answer.json()["choices"][0]["message"]["content"] if answer.is_success else ""

    @agentvcr.tool(name="search")
    def search(self, query: str, limit: int = 5) -> list[str]:
        self.ask(f"Search {query}.")
        return [query] * limit

    @agentvcr.tool(side_effect=True, name="pay")
    def pay(self, order: str, cents: int) -> bool:
        if cents > 1000:
            raise RefusedError(f"too much for {order}")
        return True

    def run(self) -> str:
        with agentvcr.step("plan", agent="planner", input={"topic": "trees"}) as step:
            self.ask("Plan.")
            self.search("trees", limit=2)
            step.set_output({"topics": ["oak", "elm"]})
        for topic in ("oak", "elm"):
            with agentvcr.step("write", agent="writer"):
                self.ask(f"Write about {topic}.")
                self.search("bark")
        with agentvcr.step("review", kind="check", agent="critic") as step:
            known = {"role": "tool", "tool_call_id": "call_lookup1", "content": "cold"}
            said = self.ask("Thanks.", known)
            step.set_output("accepted")
        self.pay("order-7", 250)
        try:
            self.pay("order-8", 2500)
        except RefusedError:
            self.ask("Fail.")
        return said
