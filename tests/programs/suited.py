"""Ask a model and a function, as a file of settings says, that a test changes between two runs.

Usage: suited.py SETTINGS.json; PROVIDER is a model's address.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import agentvcr

SETTINGS = json.loads(Path(sys.argv[1]).read_text())
URL = os.environ.get("PROVIDER", "http://127.0.0.1:9") + "/v1/chat/completions"


def ask(message):
    body = {"model": SETTINGS.get("model", "demo-1"), "messages": message}
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(URL, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


@agentvcr.tool
def look_up(what):
    return {"about": what}


@agentvcr.tool
def publish(what):
    return len(what)


def hang(pids):
    """Wait for ever, and so do two processes below, one of which has left the group."""
    nap = [sys.executable, "-c", "import time; time.sleep(1000)"]
    print("my key is", os.environ.get("MY_API_KEY", ""), flush=True)
    below = [subprocess.Popen(nap), subprocess.Popen(nap, start_new_session=True)]
    every = [os.getpid(), *(one.pid for one in below)]
    # Whole or not at all: a test waits for it.
    beside = Path(f"{pids}.new")
    beside.write_text(json.dumps(every))
    beside.rename(pids)
    time.sleep(1000)


for prompt in SETTINGS.get("prompts", ["Name a tree."]):
    ask([{"role": "user", "content": prompt}])
if "messages" in SETTINGS:
    ask([{"role": "user", "content": text} for text in SETTINGS["messages"]])
for name in SETTINGS.get("look_up", []):
    look_up(name)
if SETTINGS.get("publish"):
    publish("all")
if "pids" in SETTINGS:
    hang(SETTINGS["pids"])
print(SETTINGS.get("says", "done"))
sys.exit(SETTINGS.get("status", 0))
