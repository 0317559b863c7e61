"""What every agent says to the model: first the same, then what follows from the answer.

Owns the words and where they go. Asks through no client, and needs the standard library alone.
"""

import json
import os

URL = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
JSON = {"Content-Type": "application/json"}
FIRST = {"role": "user", "content": "What is the plan?"}


def body(*messages):
    return {"model": "counter", "messages": list(messages)}


def opening():
    """What all of them ask, at the same time."""
    return body(FIRST)


def follow_up(first):
    """What only the one with this first answer can ask."""
    again = {"role": "user", "content": f"You said {first!r}. Go on."}
    return body(FIRST, {"role": "assistant", "content": first}, again)


def text_of(answer):
    """What an answer says, of bytes or parsed."""
    parsed = json.loads(answer) if isinstance(answer, bytes) else answer
    return parsed["choices"][0]["message"]["content"]


def talk(ask):
    """Ask twice through a function that takes a body and gives an answer."""
    first = text_of(ask(opening()))
    return [first, text_of(ask(follow_up(first)))]


async def talk_async(ask):
    """Ask twice through a function that is awaited."""
    first = text_of(await ask(opening()))
    return [first, text_of(await ask(follow_up(first)))]
