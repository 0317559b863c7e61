"""Keep one core busy until standard input ends."""

import sys
import threading


def wait(over):
    sys.stdin.read()
    over.set()


over = threading.Event()
threading.Thread(target=wait, args=(over,), daemon=True).start()
while not over.is_set():
    sum(range(10_000))
