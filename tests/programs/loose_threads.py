"""Threads and processes that end in every way there is: `loose_threads.py SCENE`."""

import _thread
import atexit
import concurrent.futures
import functools
import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import time

import loose
from loose import ask, asking, joined, say, started, tell

OWN_WORDS = [sys.executable, "-S", "-c", "print('a child')"]


# --- many, and those that fail --------------------------------------------------------------------


def many():
    log = []
    joined(*[asking(log)] * 64)
    tell(log)
    say(len(log))


def raising():
    log = []

    def fail():
        ask("before it fails")
        raise ValueError("on purpose")

    threading.excepthook = lambda given: say("failed", given.exc_type.__name__)
    joined(fail, asking(log), fail)
    tell(log)


def leaving():
    def leave():
        ask("before it leaves")
        sys.exit(3)

    joined(leave, leave)
    say("still here", ask("after")[:4])


def unjoined():
    def outer():
        ask("outer")
        started(lambda: say("inner", ask("inner")[:4]))

    started(outer)
    say("main is over")


def daemons():
    box, lock = queue.Queue(), threading.Lock()
    lock.acquire()
    started(box.get, lock.acquire, lambda: time.sleep(3600), threading.Event().wait, daemon=True)
    say("main is over", ask("beside them")[:4])


def raw_threads():
    over = _thread.allocate_lock()
    over.acquire()

    def work():
        tell(ask("from a raw thread"))
        over.release()

    _thread.start_new_thread(work, ())
    over.acquire()
    say("over")


def leaving_at_once():
    box = queue.Queue()
    started(box.get, lambda: time.sleep(3600))
    ask("before")

    def leave():
        ask("leaving")
        say("leaves")
        os._exit(7)

    started(leave)[0].join()


def at_exit():
    atexit.register(lambda: say("at exit", ask("at exit")[:4]))
    say(ask("before")[:4])


# --- interrupts and signals -----------------------------------------------------------------------


def interrupted(wait):
    """Have Ctrl-C come while the main thread waits."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it

    def interrupt():
        ask("before the interrupt")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        wait()
    except KeyboardInterrupt:
        say("interrupted")
    thread.join()
    say("goes on", ask("after")[:4])


def interrupted_join():
    over = threading.Event()
    other = started(over.wait)[0]
    interrupted(other.join)
    over.set()
    other.join()


def interrupted_lock():
    lock = threading.Lock()
    lock.acquire()
    interrupted(lock.acquire)


def interrupted_future():
    over = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        future = pool.submit(over.wait)
        interrupted(future.result)
        over.set()


def handler_that_asks():
    over = []

    def handle(*_):
        over.append(ask("from the handler"))

    signal.signal(signal.SIGUSR1, handle)
    started(lambda: (ask("before"), os.kill(os.getpid(), signal.SIGUSR1)))
    while not over:
        time.sleep(0.01)
    say("handled", len(over))


def handler_that_raises():
    def handle(*_):
        raise TimeoutError("on purpose")

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        time.sleep(3600)
    except TimeoutError:
        say("timed out")
    say(ask("after")[:4])


# --- processes ------------------------------------------------------------------------------------


def forked_in_a_thread():
    def work():
        ask("before")
        child = os.fork()
        if not child:
            status = 0 if ask("in the child") else 1
            os._exit(status)
        say("child", os.waitpid(child, 0)[1])

    joined(work, lambda: ask("beside"))
    say(ask("after")[:4])


def children_of_threads():
    def work():
        ask("before")
        say(subprocess.run(OWN_WORDS, capture_output=True, text=True, check=True).stdout.strip())

    joined(*[work] * 3)
    say(ask("after")[:4])


def put_answer(box, text):
    box.put(ask(text))


def processes(method):
    context = multiprocessing.get_context(method)
    box = context.Queue()
    workers = [context.Process(target=put_answer, args=(box, f"{one}")) for one in range(2)]
    for worker in workers:
        worker.start()
    found = [box.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
    tell(sorted(found))
    say(ask("after")[:4])


SCENES = {
    **{one.__name__: one for one in (many, raising, leaving, unjoined, daemons, raw_threads)},
    **{one.__name__: one for one in (leaving_at_once, at_exit)},
    "interrupted_sleep": lambda: interrupted(lambda: time.sleep(3600)),
    "interrupted_get": lambda: interrupted(queue.Queue().get),
    "interrupted_event": lambda: interrupted(functools.partial(threading.Event().wait, 3600)),
    **{one.__name__: one for one in (interrupted_join, interrupted_lock, interrupted_future)},
    **{one.__name__: one for one in (handler_that_asks, handler_that_raises)},
    **{one.__name__: one for one in (forked_in_a_thread, children_of_threads)},
    "processes_fork": lambda: processes("fork"),
    "processes_spawn": lambda: processes("spawn"),
}


if __name__ == "__main__":
    loose.run(SCENES)
