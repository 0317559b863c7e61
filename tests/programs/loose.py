"""What the programs with loose ends share: asking, saying, starting threads.

What a program says does not depend on chance; what it was answered stands in lines of its own that
begin with `told`: they are the provider's to choose, and a replay has to say the same.
"""

import json
import os
import sys
import threading
import urllib.request

import httpx

URL = os.environ["BASE_URL"] + "/v1/chat/completions"


def body(text, **options):
    return {"model": "counter", "messages": [{"role": "user", "content": text}], **options}


def ask(text="the same"):
    """Ask the model, and give its answer."""
    content = json.dumps(body(text)).encode()
    request = urllib.request.Request(URL, content, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def client():
    return httpx.AsyncClient(timeout=60, verify=False)


async def ask_with(asker, text="the same"):
    """Ask the model, and give its answer."""
    response = await asker.post(URL, json=body(text))
    return response.json()["choices"][0]["message"]["content"]


async def ask_alone(text="the same"):
    """Ask it with a client that nobody shares."""
    async with client() as asker:
        return await ask_with(asker, text)


def say(*words):
    print(*words, flush=True)


def tell(*words):
    """Say what another run may be told otherwise."""
    say("told", *words)


def started(*functions, daemon=False):
    threads = [threading.Thread(target=function, daemon=daemon) for function in functions]
    for thread in threads:
        thread.start()
    return threads


def joined(*functions):
    for thread in started(*functions):
        thread.join()


def asking(log, text="the same"):
    return lambda: log.append(ask(text))


def run(scenes):
    """Run the scene that the command line names."""
    scenes[sys.argv[1]]()
