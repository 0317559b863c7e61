"""Talk to each dialect of a provider at BASE_URL, from two threads, and hand its ids back.

Each request says who asks for it: USER_ID in the body and in the query, and TENANT in a header.
"""

import json
import os
import threading

import httpx

BASE_URL = os.environ["BASE_URL"]
USER = os.environ.get("USER_ID", "u1")
TENANT = os.environ.get("TENANT", "red")


def post(path, body):
    """Ask, and give what came back."""
    told = {"metadata": {"user_id": USER, "app": "x"}, **body}
    with httpx.Client(timeout=60, headers={"x-tenant": TENANT}) as client:
        return client.post(BASE_URL + path, params={"stamp": USER, "v": "1"}, json=told).json()


def chat(who, path="/v1/chat/completions"):
    """Ask as OpenAI's chats do, three times."""
    messages = [{"role": "user", "content": f"{who}: oaks?"}]
    for _ in range(3):
        message = post(path, {"messages": messages})["choices"][0]["message"]
        call = message["tool_calls"][0]["id"]
        told = json.dumps({"found": ["oak"], "call": call})
        messages += [message, {"role": "tool", "tool_call_id": call, "content": told}]


def short(who):
    """As `chat`, where ids look like nothing."""
    messages = [{"role": "user", "content": f"{who}: oaks?"}]
    for _ in range(2):
        message = post("/short/chat/completions", {"messages": messages})["choices"][0]["message"]
        call = message["tool_calls"][0]["id"]
        messages += [message, {"role": "tool", "tool_call_id": call, "content": "an oak"}]


def claude(who):
    """Ask as Anthropic's clients do."""
    messages = [{"role": "user", "content": f"{who}: oaks?"}]
    for _ in range(2):
        content = post("/v1/messages", {"messages": messages})["content"]
        result = {"type": "tool_result", "tool_use_id": content[0]["id"], "content": "an oak"}
        messages += [
            {"role": "assistant", "content": content},
            {"role": "user", "content": [result]},
        ]


def responses(who):
    """Ask as OpenAI's Responses do, by the id of the answer before."""
    first = post("/v1/responses", {"input": f"{who}: oaks?"})
    call = first["output"][0]["call_id"]
    output = {"type": "function_call_output", "call_id": call, "output": "an oak"}
    post("/v1/responses", {"previous_response_id": first["id"], "input": [output]})
    post("/v1/responses", {"input": [*first["output"], output]})


def gemini(who):
    """Ask as Gemini's clients do."""
    contents = [{"role": "user", "parts": [{"text": f"{who}: oaks?"}]}]
    path = "/v1beta/models/m:generateContent"
    content = post(path, {"contents": contents})["candidates"][0]["content"]
    call = content["parts"][0]["functionCall"]["id"]
    response = {"id": call, "name": "search", "response": {"result": "an oak"}}
    answer = {"role": "user", "parts": [{"functionResponse": response}]}
    post(path, {"contents": [*contents, content, answer]})


def talk(who):
    """Talk in each dialect."""
    for dialect in (chat, short, claude, responses, gemini):
        dialect(who)


threads = [threading.Thread(target=talk, args=(name,)) for name in ("ann", "bob")]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("done")
