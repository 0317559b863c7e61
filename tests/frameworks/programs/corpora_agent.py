"""Agents of pydantic-ai with the tools and the parts of recorded runs.

`corpora_agent.py PLAYS.json [--together]`: one play after the other, or all at once. The models are
at BASE_URL, where play 3 has the prefix `/p03`, and so are the tools: each asks a service and gives
what comes back. A tool call that other agents answered runs these agents. Prints what every agent
said, did and cost, play by play.
"""

import argparse
import asyncio
import json
import os
import pathlib

import httpx2
from pydantic_ai import Agent, StructuredDict, Tool, ToolOutput
from pydantic_ai.messages import ModelResponse, PartDeltaEvent, ToolCallPart, ToolReturnPart
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

BASE_URL = os.environ["BASE_URL"]
KEY = "sk-test-not-a-key"


def model(family, name, url):
    """Give the model that speaks the API of the recording."""
    if family == "messages":
        return AnthropicModel(name, provider=AnthropicProvider(base_url=url, api_key=KEY))
    kind = OpenAIChatModel if family == "chat" else OpenAIResponsesModel
    return kind(name, provider=OpenAIProvider(base_url=f"{url}/v1", api_key=KEY))


class Play:
    """One recorded run, played by real agents."""

    def __init__(self, place, script):
        self.url = f"{BASE_URL}/p{place:02}"
        self.lines = [f"== {script['name']}"]
        self.script = script
        self.calls = {}
        self.service = httpx2.AsyncClient()
        self.agents = [self.agent(given) for given in script["agents"]]

    def agent(self, given):
        ending = [tool for tool in given["tools"] if tool["name"] in given["ending"]]
        return Agent(
            model(given["family"], given["model"], self.url),
            instructions=given["instructions"] or None,
            model_settings=ModelSettings(max_tokens=given["max_tokens"])
            if given["max_tokens"]
            else None,
            tools=[self.tool(tool) for tool in given["tools"] if tool not in ending],
            output_type=[str, *map(output, ending)],
        )

    def tool(self, given):
        return Tool.from_schema(
            self.answer,
            name=given["name"],
            description=given["description"],
            json_schema=given["schema"],
            takes_ctx=True,
        )

    async def answer(self, ctx, **arguments):
        """Answer a tool call: by the agents that did so in the recording, else by a service."""
        turns = self.calls.get(ctx.tool_call_id)
        if turns:
            task = "\n".join(f"{name}: {value}" for name, value in arguments.items())
            return "\n\n".join([str(await self.turn(turn, None, task)) for turn in turns])
        call = {"id": ctx.tool_call_id, "tool": ctx.tool_name, "arguments": arguments}
        answered = await self.service.post(f"{self.url}/tools", json=call)
        answered.raise_for_status()
        return answered.json()

    async def turn(self, turn, history, prompt):
        """Let one agent work until it has an answer."""
        self.calls.update(turn["calls"])
        pieces = []

        async def listen(_, events):
            deltas = [one.delta async for one in events if isinstance(one, PartDeltaEvent)]
            pieces.extend(len(str(delta)) for delta in deltas)

        given = self.script["agents"][turn["agent"]]
        result = await self.agents[turn["agent"]].run(
            prompt,
            message_history=history,
            event_stream_handler=listen if given["streamed"] else None,
        )
        self.history = result.all_messages()
        self.tell(turn["agent"], result, pieces)
        return result.output

    def tell(self, agent, result, pieces):
        for message in result.new_messages():
            if isinstance(message, ModelResponse):
                self.lines.append(
                    f"agent {agent}: {message.model_name} {message.provider_response_id}"
                )
            for part in message.parts:
                if isinstance(part, ToolCallPart):
                    self.lines.append(f"  calls {part.tool_name} {part.args_as_json_str()}")
                if isinstance(part, ToolReturnPart):
                    self.lines.append(f"  {part.tool_name} says {part.model_response_str()}")
        self.lines += [f"  says {result.output!r}", f"  pieces {pieces}", f"  {result.usage}"]

    async def play(self):
        self.history = None
        for turn in self.script["turns"]:
            await self.turn(turn, self.history if turn["carries"] else None, turn["prompt"])
        await self.service.aclose()


def output(tool):
    """Give a tool whose call ends an agent's work."""
    data = StructuredDict(tool["schema"], name=tool["name"])
    return ToolOutput(data, name=tool["name"], description=tool["description"])


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plays", type=pathlib.Path)
    parser.add_argument("--together", action="store_true")
    asked = parser.parse_args()
    scripts = json.loads(asked.plays.read_text(encoding="utf-8"))
    plays = [Play(place, script) for place, script in enumerate(scripts)]
    if asked.together:
        await asyncio.gather(*(play.play() for play in plays))
    else:
        for play in plays:
            await play.play()
    for play in plays:
        print(*play.lines, sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
