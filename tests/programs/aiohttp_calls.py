"""Do with aiohttp what programs do, and print what the program sees of it.

`python -m tests.programs.aiohttp_calls GROUP`, with a `peculiar_server` at BASE_URL. Prints one
JSON line for each case, in order: `[name, what was seen]`.
"""

import asyncio
import json
import sys
import warnings

from tests.programs import aiohttp_answers, aiohttp_endings, aiohttp_requests

GROUPS = {
    "answers": {**aiohttp_answers.CASES, **aiohttp_requests.CASES},
    "failed": aiohttp_endings.FAILED,
    "stopped": aiohttp_endings.STOPPED,
    "cancelled": aiohttp_endings.CANCELLED,
}


def main():
    warnings.simplefilter("ignore")
    for name, case in GROUPS[sys.argv[1]].items():
        print(json.dumps([name, asyncio.run(case())]), flush=True)


if __name__ == "__main__":
    main()
