"""Ask a chat provider at BASE_URL the same as everybody, and then about the answer.

Owns the two questions, for the programs that ask them from many processes. Run as a program it asks
for each of its arguments, and leaves the answers in a file of that name. The client is the standard
library's, as each of the processes imports it.
"""

import contextlib
import http.client
import json
import os
import pathlib
import sys
from urllib.parse import urlsplit

FIRST = {"role": "user", "content": "What is the plan?"}


def ask(*messages):
    """Ask the model, and give the text of its answer."""
    body = json.dumps({"model": "counter", "messages": messages})
    peer = http.client.HTTPConnection(urlsplit(os.environ["BASE_URL"]).netloc, timeout=60)
    with contextlib.closing(peer):
        peer.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        return json.load(peer.getresponse())["choices"][0]["message"]["content"]


def talk(who, *_):
    """Ask what everybody asks, then what only the one with this first answer can ask."""
    first = ask(FIRST)
    again = {"role": "user", "content": f"You said {first!r}. Go on."}
    return [who, first, ask(FIRST, {"role": "assistant", "content": first}, again)]


def leave(word):
    """Talk, and write down what was told, for whoever waits for this process."""
    told = talk(word)
    pathlib.Path(f"{word}.told").write_text(json.dumps(told), encoding="utf-8")


def told(words):
    """Read what was told to others, and take it away."""
    paths = [pathlib.Path(f"{word}.told") for word in words]
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    for path in paths:
        path.unlink()
    return found


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        leave(argument)
