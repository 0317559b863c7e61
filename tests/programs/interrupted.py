"""A program that asks a few times, says what it was told, and then waits until it is interrupted.

The provider is at BASE_URL.
"""

import os
import threading

import httpx2

URL = os.environ["BASE_URL"] + "/v1/chat/completions"

for number in range(3):
    told = httpx2.post(URL, json={"model": "counter", "number": number}).json()
    print(told["choices"][0]["message"]["content"], flush=True)
try:
    threading.Event().wait()
except KeyboardInterrupt:
    print("interrupted")
