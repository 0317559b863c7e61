"""One scene with a client on top of `http.client`, for what takes a whole run to show.

`python -m tests.programs.family_scenes CLIENT SCENE`, with a server at BASE_URL.
"""

import os
import signal
import sys
import threading

from tests.programs.family_clients import CLIENTS, TIMEOUT_S, URL, named, shown

HOW = {"http.client": "read1", "urllib": "read1", "urllib3": "stream", "requests": "content"}
kept = []


def opened(client, path):
    _, pieces, close = client.open(URL + path, how=HOW[sys.argv[1]], timeout=TIMEOUT_S)
    return pieces, close


def waits_at_gates(client):
    """Ask for the next piece's release only when the one before it has arrived."""
    pieces, close = opened(client, "/gated")
    print("head", flush=True)
    other = CLIENTS[sys.argv[1]]()
    for number in range(4):
        other.ask("POST", "/release", body=b"")
        print(number, next(pieces), flush=True)
    other.ask("POST", "/release", body=b"")
    print(next(pieces, None))
    close()


def takes_its_time(client):
    """An answer with gaps; then one whose head is slow."""
    print(client.stream("/sse?events=3&gap_ms=120", how=HOW[sys.argv[1]]))
    print(client.ask("GET", "/json?slow_ms=120"))


def exits_in_mid_stream(client):
    """A signal's handler ends the program, with a status, while it waits for a piece."""
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(3))
    pieces, _ = opened(client, "/sse?events=2&then=hang")
    print(next(pieces), next(pieces), flush=True)
    signal.setitimer(signal.ITIMER_REAL, 1.5)  # a replay, which ends at once, is gone by then
    print(next(pieces))


def is_interrupted_and_goes_on(client):
    """A signal's handler breaks a read off; the program asks for something else."""

    def ring(*_):
        raise RuntimeError("the alarm rang")

    signal.signal(signal.SIGALRM, ring)
    for path in ("/hang", "/sse?events=2&then=hang"):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            pieces, _ = opened(client, path)
            while True:
                print(next(pieces), flush=True)
        except RuntimeError as error:
            signal.setitimer(signal.ITIMER_REAL, 0)  # a replay has not waited for it
            print(named(error)["error"][0][:2])
    print(client.ask("GET", "/json"))


def dies_in_mid_stream(client):
    """Killed, right after what it read was used."""
    pieces, _ = opened(client, "/sse?events=6&cut=pair&gap_ms=0&then=hang")
    for _ in range(3):
        print(shown(next(pieces)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def leaves_it_open(client):
    """Come to the program's end with a stream half read."""
    pieces, close = opened(client, "/sse?events=3&then=hang")
    print(next(pieces))
    kept.extend([client, pieces, close])


def leaves_a_thread_behind(client):
    """The program ends while a daemon thread waits for its answer."""
    thread = threading.Thread(target=lambda: print(client.ask("GET", "/hang")), daemon=True)
    thread.start()
    thread.join(0.3)
    print(CLIENTS[sys.argv[1]]().ask("GET", "/json"))


SCENES = {name: scene for name, scene in globals().items() if callable(scene)}


if __name__ == "__main__":
    SCENES[sys.argv[2]](CLIENTS[sys.argv[1]]())
