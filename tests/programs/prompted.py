"""Agents of several turns with a system prompt each, whose code may have changed: `CHANGE`.

`prompted.py [--client NAME] [--turns N] [--conversation]`, with a chat provider at BASE_URL.
CHANGE is nothing, or of the second agent `prompt`, `insert`, `remove`, `swap`, `model`, `topic`,
with `+` between several.
Prints a line for each turn of each agent: what it was told, or how it failed.
"""

import argparse
import asyncio
import importlib
import os

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
CHANGE = os.environ.get("CHANGE", "").split("+")
KEY = "sk-test-0000000000000000000000000000000000000000"
AGENTS = ("planner", "writer", "critic")


def system(agent):
    """The agent's standing orders; the writer's have been edited in the middle."""
    if "topic" in CHANGE and agent == "writer":
        return "Count birds! " * 7
    tone = "plainly" if "prompt" in CHANGE and agent == "writer" else "with warmth"
    return f"You are the {agent} of the crew. Answer {tone}, and never guess. Keep to the facts."


def questions(agent, turns):
    """What the agent asks, turn by turn."""
    asked = [f"Turn {turn}: what does the {agent} need to know?" for turn in range(1, turns + 1)]
    if agent != "writer":
        return asked
    if "topic" in CHANGE:
        return [f"{turn} of them, where and since when? " * 3 for turn in range(1, turns + 1)]
    if "insert" in CHANGE:
        asked.insert(1, "Before you go on: what does the writer need to forget?")
    if "remove" in CHANGE:
        del asked[1]
    if "swap" in CHANGE:
        asked[0], asked[1] = asked[1], asked[0]
    return asked


def body(agent, messages):
    model = "newer" if "model" in CHANGE and agent == "writer" else "counter"
    return {"model": model, "messages": messages}


async def ask(client, kind, agent, messages):
    """Give what the provider said, or its refusal."""
    headers = {"authorization": f"Bearer {KEY}"}
    if kind == "aiohttp":
        async with client.post(URL, json=body(agent, messages), headers=headers) as response:
            said = await response.json()
            return said["choices"][0]["message"]["content"] if response.status == 200 else said
    if kind == "requests":
        response = await asyncio.to_thread(
            client.post, URL, json=body(agent, messages), headers=headers
        )
    else:
        response = await client.post(URL, json=body(agent, messages), headers=headers)
    said = response.json()
    return said["choices"][0]["message"]["content"] if response.status_code == 200 else said


async def work(client, options, agent):
    """Ask each question by itself in one conversation that does not quote the answers."""
    told = []
    for question in questions(agent, options.turns):
        messages = [{"role": "system", "content": system(agent)}]
        if options.conversation:
            for before, answer in told:
                messages += [{"role": "user", "content": before}]
                messages += [{"role": "assistant", "content": str(answer)}]
        messages.append({"role": "user", "content": question})
        answer = await ask(client, options.client, agent, messages)
        told.append((question, answer))
    return [f"{agent}: {answer}" for _, answer in told]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", default="httpx2")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--conversation", action="store_true")
    options = parser.parse_args()
    library = importlib.import_module(options.client)
    if options.client == "requests":
        told = await crew(library.Session(), options)
    elif options.client == "aiohttp":
        async with library.ClientSession() as client:
            told = await crew(client, options)
    else:
        async with library.AsyncClient() as client:
            told = await crew(client, options)
    for lines in told:
        print("\n".join(lines))


async def crew(client, options):
    return await asyncio.gather(*(work(client, options, agent) for agent in AGENTS))


asyncio.run(main())
