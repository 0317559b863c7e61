"""Give work to pools of processes: `process_pools.py MODE METHOD`, with a provider at BASE_URL.

Prints a JSON list of [item, first answer, second answer]: who got what.
"""

import asyncio
import json
import multiprocessing
import multiprocessing.pool
import os
import sys
from concurrent.futures import ProcessPoolExecutor

import asking

ITEMS = range(5)
WORKERS = 2


def pair(item):
    return asking.talk(item)


def star(item, other):
    return [item, *asking.talk(other)[1:]]


def prepared():
    os.environ["PREPARED"] = "yes"


def prepared_pair(item):
    return [*asking.talk(item), os.environ["PREPARED"]]


async def many(item):
    loop = asyncio.get_running_loop()
    return await asyncio.gather(
        *[loop.run_in_executor(None, asking.talk, f"{item}.{part}") for part in range(2)]
    )


def inner(item):
    return asyncio.run(many(item))


def executor(context, **options):
    return ProcessPoolExecutor(WORKERS, mp_context=context, **options)


def submit(context):
    with executor(context) as pool:
        return [future.result() for future in [pool.submit(pair, item) for item in ITEMS]]


def executor_map(context):
    with executor(context) as pool:
        return list(pool.map(pair, ITEMS))


def executor_chunks(context):
    with executor(context, initializer=prepared) as pool:
        return list(pool.map(prepared_pair, ITEMS, chunksize=2))


def in_a_loop(context):
    async def main():
        loop = asyncio.get_running_loop()
        with executor(context) as pool:
            return await asyncio.gather(*[loop.run_in_executor(pool, pair, one) for one in ITEMS])

    return asyncio.run(main())


def nested(context):
    with executor(context) as pool:
        return [pair for pairs in pool.map(inner, range(3)) for pair in pairs]


def apply(context):
    with context.Pool(WORKERS) as pool:
        return [pool.apply(pair, (item,)) for item in ITEMS[:2]]


def apply_async(context):
    with context.Pool(WORKERS, maxtasksperchild=2) as pool:
        given = [pool.apply_async(func=pair, args=(item,)) for item in ITEMS]
        return [one.get() for one in given]


def pool_map(context):
    with context.Pool(WORKERS, prepared) as pool:
        return pool.map(prepared_pair, ITEMS)


def starmap(context):
    with context.Pool(WORKERS) as pool:
        return pool.starmap(star, [(item, item) for item in ITEMS], chunksize=3)


def imap(context):
    with context.Pool(WORKERS) as pool:
        one, two = pool.imap(pair, iter(ITEMS)), pool.imap(pair, iter(ITEMS), chunksize=2)
        return [*one, *two]


def imap_unordered(context):
    with context.Pool(WORKERS) as pool:
        return sorted(pool.imap_unordered(pair, ITEMS))


def threads(_context):
    with multiprocessing.pool.ThreadPool(WORKERS) as pool:
        given = [pool.apply_async(pair, (item,)) for item in ITEMS]
        return [*[one.get() for one in given], *pool.map(pair, ITEMS)]


def main():
    mode, method = sys.argv[1:]
    print(json.dumps(globals()[mode](multiprocessing.get_context(method))))


if __name__ == "__main__":
    main()
