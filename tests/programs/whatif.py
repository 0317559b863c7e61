"""A planner whose words a writer acts on, beside a critic who knows nothing of either.

`whatif.py [--stream] [--sdk]`, with a chat provider at BASE_URL. Prints what each was told. The
writer asks a recorded function, too, and a plain address.
"""

import asyncio
import json
import os
import sys

import httpx2
import openai

import agentvcr

BASE = os.environ["BASE_URL"]
STREAM = "--stream" in sys.argv


@agentvcr.tool
def look(what: str) -> dict:
    return {"what": what, "found": len(what)}


async def ask(client, agent, *words):
    messages = [{"role": "user", "content": f"{agent}: {one}"} for one in words]
    body = {"model": "counter", "messages": messages, "stream": STREAM}
    if "--sdk" in sys.argv:
        return await by_sdk(body)
    response = await client.post(BASE + "/v1/chat/completions", json=body)
    if response.status_code != 200:
        return f"{response.status_code} {response.text}"
    if not STREAM:
        return response.json()["choices"][0]["message"]["content"]
    lines = [line[6:] for line in response.text.split("\n") if line.startswith("data: {")]
    return "".join(json.loads(one)["choices"][0]["delta"].get("content", "") for one in lines)


async def by_sdk(body):
    async with openai.AsyncOpenAI(base_url=BASE + "/v1", api_key="sk-test-00000000") as client:
        answer = await client.chat.completions.create(**body)
        if not STREAM:
            return answer.choices[0].message.content
        return "".join([one.choices[0].delta.content or "" async for one in answer])


async def pipeline(client):
    with agentvcr.step("planner"):
        plan = await ask(client, "planner", "What is the plan?")
    with agentvcr.step("writer"):
        draft = await ask(client, "writer", plan)
        found = look(draft)
        page = await client.get(BASE + "/page", params={"q": found["found"]})
        final = await ask(client, "writer", plan, draft, page.text)
    return [plan, draft, json.dumps(found), page.text, final]


async def critic(client):
    with agentvcr.step("critic"):
        return [await ask(client, "critic", f"Point {number}?") for number in range(3)]


async def main():
    async with httpx2.AsyncClient() as client:
        told, said = await asyncio.gather(pipeline(client), critic(client))
    for line in (*told, *said):
        print(" ".join(line.split()))


asyncio.run(main())
