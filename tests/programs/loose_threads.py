"""Threads that end in every way there is: `loose_threads.py SCENE`, a provider at BASE_URL.

Says what does not depend on chance. What it was answered stands in lines of its own that begin with
`told`: they are the provider's to choose, and a replay has to say the same.
"""

import _thread
import atexit
import concurrent.futures
import faulthandler
import functools
import json
import logging
import logging.handlers
import multiprocessing
import os
import pathlib
import queue
import sched
import signal
import subprocess
import sys
import threading
import time
import urllib.request

URL = os.environ["BASE_URL"] + "/v1/chat/completions"
OWN_WORDS = [sys.executable, "-S", "-c", "print('a child')"]


def ask(text):
    """Ask the model, and give its answer."""
    body = json.dumps({"model": "counter", "messages": [{"role": "user", "content": text}]})
    request = urllib.request.Request(URL, body.encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


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


# --- waiting in every way -------------------------------------------------------------------------


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
    barrier, places, ready = threading.Barrier(4), threading.Semaphore(2), threading.Condition()
    log, done = [], threading.Event()

    def work():
        barrier.wait()
        with places:
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
    **{one.__name__: one for one in (leaving_at_once, at_exit, polling, spinning, burning)},
    "interrupted_sleep": lambda: interrupted(lambda: time.sleep(3600)),
    "interrupted_get": lambda: interrupted(queue.Queue().get),
    "interrupted_event": lambda: interrupted(functools.partial(threading.Event().wait, 3600)),
    **{one.__name__: one for one in (interrupted_join, interrupted_lock, interrupted_future)},
    **{one.__name__: one for one in (handler_that_asks, handler_that_raises, simple_queues)},
    **{one.__name__: one for one in (primitives, few_at_a_time, workers_of_a_queue)},
    **{one.__name__: one for one in (contended, lock_with_timeout, scheduled)},
    **{one.__name__: one for one in (logging_through_a_queue, watched_by_faulthandler)},
    **{one.__name__: one for one in (cancelled_futures, pool_left_open, waits_of_futures)},
    **{one.__name__: one for one in (pool_in_a_pool, forked_in_a_thread, children_of_threads)},
    "processes_fork": lambda: processes("fork"),
    "processes_spawn": lambda: processes("spawn"),
}


if __name__ == "__main__":
    SCENES[sys.argv[1]]()
