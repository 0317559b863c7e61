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
GROUPS = {
    "answers": transport_answers.CASES,
    "cancelled": transport_endings.CANCELLED,
    "closed_by_a_context": transport_endings.CLOSED_BY_A_CONTEXT,
    "failed": transport_endings.FAILED,
    "finalized": transport_endings.FINALIZED,
    "interrupted": transport_endings.INTERRUPTED,
    "sent_again": transport_endings.SENT_AGAIN,
    "stopped": transport_endings.STOPPED,
    "turns_taken": transport_endings.TURNS_TAKEN,
    "unread": transport_endings.UNREAD,
}


def main():
    client, half, group = sys.argv[1:]
    f = HALVES[half](importlib.import_module(client))
    for name, case in GROUPS[group].items():
        print(json.dumps([name, f.run(case(f))]), flush=True)


if __name__ == "__main__":
    main()
