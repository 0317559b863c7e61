"""An agent of the standard library; as a program it says whether AgentVCR is installed there."""

import importlib.util
import json
import urllib.request

import talking


def ask(body):
    data = json.dumps(body).encode()
    request = urllib.request.Request(talking.URL, data, talking.JSON)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


def talk():
    return talking.talk(ask)


def tell(pipe):
    pipe.send(talk())


if __name__ == "__main__":
    installed = importlib.util.find_spec("zstandard") is not None
    print(json.dumps([installed, *talk()]))
