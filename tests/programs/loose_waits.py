"""Threads that wait for each other in every way there is: `loose_waits.py SCENE`."""

import concurrent.futures
import faulthandler
import functools
import logging
import logging.handlers
import os
import pathlib
import queue
import sched
import sys
import threading
import time

import loose
from loose import ask, asking, joined, say, started, tell

# --- looking, and locks ---------------------------------------------------------------------------


def polling():
    log = []
    thread = started(asking(log))[0]
    while not log:
        time.sleep(0.01)
    thread.join()
    tell(log)


def spinning():
    log = []
    thread = started(asking(log))[0]
    while not log:
        time.sleep(0)
    thread.join()
    tell(log)


def burning():
    log = []
    thread = started(asking(log))[0]
    while not log:
        pass
    thread.join()
    tell(log)


def simple_queues():
    there, back = queue.SimpleQueue(), queue.SimpleQueue()

    def work():
        while (text := there.get()) is not None:
            back.put(ask(text))

    thread = started(work)[0]
    for number in range(3):
        there.put(f"{number}")
        tell(back.get())
    try:
        back.get(timeout=0.05)
    except queue.Empty:
        say("empty")
    there.put(None)
    thread.join()


def primitives():
    barrier, ready = threading.Barrier(4), threading.Condition()
    log, done = [], threading.Event()

    def work():
        barrier.wait()
        answer = ask("the same")
        with ready:
            log.append(answer)
            ready.notify_all()

    timer = threading.Timer(0.05, done.set)
    timer.start()
    threads = started(*[work] * 4)
    with ready:
        say(ready.wait_for(lambda: len(log) == 4, timeout=30))
        say(ready.wait_for(lambda: len(log) == 5, timeout=0.05))
    for thread in threads:
        thread.join()
    say(done.wait(30))
    tell(log)


def few_at_a_time():
    places, log = threading.Semaphore(2), []

    def work():
        with places:
            log.append(ask("the same"))
        log.append(ask(f"behind {len(log)}"))

    joined(*[work] * 8)
    tell(log)


def workers_of_a_queue():
    box, log = queue.Queue(), []

    def work():
        while (item := box.get()) is not None:
            log.append((item, ask(f"item {item}")))

    threads = started(*[work] * 4)
    for item in (*range(12), *[None] * 4):
        box.put(item)
    for thread in threads:
        thread.join()
    tell(log)


def contended():
    lock, again, log = threading.Lock(), threading.RLock(), []

    def work(name):
        for _ in range(3):
            with lock, again, again:
                log.append((name, ask(f"{len(log)}")))

    joined(*[functools.partial(work, name) for name in "abc"])
    tell(log)
    say(lock.locked(), len(log))


def lock_with_timeout():
    lock = threading.Lock()
    with lock:
        thread = started(lambda: say("taken", lock.acquire(timeout=0.1)))[0]
        thread.join()
        say(ask("after")[:4])


def scheduled():
    log = []
    plan = sched.scheduler(time.monotonic, time.sleep)
    plan.enter(0.1, 1, lambda: log.append(ask("late")))
    plan.enter(0.05, 1, lambda: log.append(ask("early")))
    plan.run()
    tell(log)


def logging_through_a_queue():
    box = queue.Queue()
    listener = logging.handlers.QueueListener(box, logging.StreamHandler(sys.stdout))
    listener.start()
    log = logging.getLogger("scene")
    log.setLevel(logging.INFO)
    log.addHandler(logging.handlers.QueueHandler(box))
    joined(lambda: log.info("one %s", ask("one")[:4]))
    log.info("two")
    listener.stop()


def watched_by_faulthandler():
    with pathlib.Path(os.devnull).open("w") as sink:
        faulthandler.dump_traceback_later(0.05, repeat=True, file=sink)
        log = []
        joined(*[asking(log)] * 3)
        faulthandler.cancel_dump_traceback_later()
    say(len(log))


# --- pools ----------------------------------------------------------------------------------------


def cancelled_futures():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(ask, "the same") for _ in range(8)]
        futures[0].result()
        pool.shutdown(wait=True, cancel_futures=True)
    tell([None if one.cancelled() else one.result() for one in futures])
    say(len(futures))


def pool_left_open():
    pool = concurrent.futures.ThreadPoolExecutor(2)
    for _ in range(4):
        pool.submit(lambda: tell(ask("the same")))
    say("main is over")


def waits_of_futures():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        over = threading.Event()
        futures = [pool.submit(ask, "the same") for _ in range(3)] + [pool.submit(over.wait)]
        done, left = concurrent.futures.wait(futures[:3], return_when="FIRST_COMPLETED")
        tell(len(done), len(left))
        done, left = concurrent.futures.wait(futures, timeout=0.4)
        say("left", len(left) >= 1)
        try:
            for one in concurrent.futures.as_completed([futures[3]], timeout=0.05):
                say("never", one)
        except concurrent.futures.TimeoutError:
            say("timed out")
        over.set()
    tell([one.result() for one in futures[:3]])


def pool_in_a_pool():
    def outer(number):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return list(pool.map(ask, [f"{number}.{part}" for part in range(2)]))

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        found = list(pool.map(outer, range(3)))
    tell(found)
    say(len(found))


SCENES = {
    **{one.__name__: one for one in (polling, spinning, burning, simple_queues)},
    **{one.__name__: one for one in (primitives, few_at_a_time, workers_of_a_queue)},
    **{one.__name__: one for one in (contended, lock_with_timeout, scheduled)},
    **{one.__name__: one for one in (logging_through_a_queue, watched_by_faulthandler)},
    **{one.__name__: one for one in (cancelled_futures, pool_left_open, waits_of_futures)},
    **{one.__name__: one for one in (pool_in_a_pool,)},
}


if __name__ == "__main__":
    loose.run(SCENES)
