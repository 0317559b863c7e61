"""Draw from libraries that are not Python's own, in several lanes; prints a JSON object of it."""

import json
import pickle
import random
import threading
import uuid

import numpy as np
import uuid_utils
import uuid_utils.compat
from uuid_utils.compat import uuid7

older = np.random
rand = older.rand


def drawn():
    return {
        "rand": float(older.rand()),
        "bound": float(rand()),
        "integers": int(older.randint(10**9)),
        "ranf": float(older.ranf()),
        "default_rng": float(np.random.default_rng().random()),
        "state": float(np.random.RandomState().rand()),
        "uuid4": str(uuid_utils.uuid4()),
        "compat4": str(uuid_utils.compat.uuid4()),
        "uuid7": str(uuid7())[-12:],  # the time before it is not chance
    }


def in_threads():
    found = [None] * 3

    def work(place):
        found[place] = drawn()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main():
    lanes = [drawn(), drawn(), *in_threads()]
    older.seed(3)
    state = older.get_state()
    seeded = [float(older.rand()) for _ in range(3)]
    bare = np.random.RandomState(3)
    assert seeded == [float(bare.rand()) for _ in range(3)], "a seed does not mean what it means"
    older.set_state(state)
    assert [float(older.rand()) for _ in range(3)] == seeded, "a state cannot be set again"
    assert pickle.loads(pickle.dumps(older.rand)).__name__ == "rand"

    many = [uuid7() for _ in range(500)]
    assert many == sorted(set(many)), "identifiers of one millisecond are not in order"
    assert {(one.version, one.variant) for one in many} == {(7, uuid.RFC_4122)}
    assert uuid7(timestamp=1_700_000_000).int >> 80 == 1_700_000_000_000
    assert uuid_utils.uuid4().version == 4
    print(json.dumps({"lanes": lanes, "seeded": in_threads(), "last": random.random()}))


if __name__ == "__main__":
    main()
