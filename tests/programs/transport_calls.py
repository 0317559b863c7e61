"""Do with an HTTP client what programs do, and print what the program sees of it.

`python -m tests.programs.transport_calls CLIENT HALF GROUP`, with a `script_server` at BASE_URL.
CLIENT is httpx or httpx2, HALF is sync or async. Prints one JSON line for each case, in order:
`[name, what was seen]`.
"""

import importlib
import json
import sys

from tests.programs import transport_answers, transport_endings
from tests.programs.transport_client import Async, Sync

HALVES = {"sync": Sync, "async": Async}
EITHER = {
    "answers": transport_answers.CASES,
    "failed": transport_endings.FAILED,
    "stopped": transport_endings.STOPPED,
    "after_close": transport_endings.AFTER_CLOSE,
    "unread": transport_endings.UNREAD,
}
GROUPS = {
    "sync": {**EITHER, "interrupted": transport_endings.INTERRUPTED},
    "async": {**EITHER, "cancelled": transport_endings.CANCELLED},
}


def main():
    client, half, group = sys.argv[1:]
    f = HALVES[half](importlib.import_module(client))
    for name, case in GROUPS[half][group].items():
        print(json.dumps([name, f.run(case(f))]), flush=True)


if __name__ == "__main__":
    main()
