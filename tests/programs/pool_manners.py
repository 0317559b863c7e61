"""What a program may see of its pools: results, errors and their tracebacks. Asks nobody anything.

Prints all of it, so that a recorded run can be compared with a bare one.
"""

import itertools
import multiprocessing
import multiprocessing.pool
import os
import pickle
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor


class Unpicklable:
    def __repr__(self):
        return "Unpicklable()"

    def __reduce__(self):
        raise pickle.PicklingError("not this one")


class Alike:
    """A function that says it is equal to any other."""

    def __eq__(self, other):
        return True

    __hash__ = None

    def __call__(self, item):
        return item


def failing(item):
    if item == 3:
        raise ValueError(item)
    return item


def leaving(item):
    sys.exit(item)


def unpicklable(_item):
    return Unpicklable()


def broken():
    yield 1
    raise KeyError("iterator")


def said(name, function):
    """Print what a call gives, or its error with the error that it came from."""
    try:
        print(name, function())
    except BaseException as error:  # noqa: BLE001  (all that it gives)
        cause = error.__cause__
        remote = "".join(traceback.format_exception(type(cause), cause, None)) if cause else ""
        print(name, type(error).__qualname__, error, remote)


def executor_calls(context):
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        said("submit", lambda: pool.submit(failing, 1).result())
        said("error", lambda: pool.submit(failing, 3).result())
        said("map", lambda: list(pool.map(failing, range(3), chunksize=2)))
        said("chunk error", lambda: list(pool.map(failing, range(5), chunksize=2)))
        said("exit", lambda: pool.submit(leaving, 2).result())
        said("argument", lambda: pool.submit(failing, Unpicklable()).result())
        said("result", lambda: pool.submit(unpicklable, 1).result())
        said("keywords", lambda: pool.submit(dict, fn=1, work_id=2).result())
    said("shut down", lambda: pool.submit(failing, 1))


def pool_calls(pool):
    said("apply", lambda: pool.apply(failing, (1,)))
    said("error", lambda: pool.apply(failing, args=(3,)))
    said("keywords", lambda: pool.apply(dict, (), {"func": 1}))
    said("map", lambda: pool.map(failing, range(3)))
    said("empty", lambda: pool.map(failing, []))
    said("map error", lambda: pool.map(failing, range(9), chunksize=2))
    said("starmap", lambda: pool.starmap(max, [(1, 2), (4, 3)]))
    said("starmap error", lambda: pool.starmap(failing, [(3,), (4,)]))
    said("imap", lambda: list(pool.imap(failing, range(3))))
    said("imap error", lambda: list(pool.imap(failing, range(5), chunksize=2)))
    said("iterator", lambda: list(pool.imap(failing, broken())))
    said("unordered", lambda: sorted(pool.imap_unordered(failing, itertools.repeat(2, 3))))
    said("large", lambda: len(pool.apply(bytes, (3_000_000,))))
    said("alike", lambda: pool.map(Alike(), [1, 2]))
    said("chunk size", lambda: pool.imap(failing, [1], chunksize=0))
    said("none", lambda: pool.map(None, [1]))
    pool.close()
    said("closed", lambda: pool.apply(failing, (1,)))
    pool.join()


def main():
    context = multiprocessing.get_context(sys.argv[1])
    executor_calls(context)
    with context.Pool(2, maxtasksperchild=3) as pool:
        said("argument", lambda: pool.apply(failing, (Unpicklable(),)))
        said("result", lambda: pool.apply(unpicklable, (1,)).split()[0])
        pool_calls(pool)
    with multiprocessing.pool.ThreadPool(2) as pool:
        pool_calls(pool)
    print("inside" if "AGENTVCR_CHANNEL" in os.environ else "alone")


if __name__ == "__main__":
    main()
