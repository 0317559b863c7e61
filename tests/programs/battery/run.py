"""Run the battery through one client, and print what the program sees of each case.

`python -m tests.programs.battery.run CLIENT GROUP [CASE …]`, with the servers named in variables
(`asking`). Prints one JSON line for each case, in order: `[name, what was seen]`.
"""

import json
import sys

from tests.programs.battery.cases import able
from tests.programs.battery.shelf import client_named


def main():
    client, group, *only = sys.argv[1:]
    kind = client_named(client)
    for case in able(kind, group):
        if not only or case.__name__ in only:
            print(json.dumps([case.__name__, kind.run(case(kind))]), flush=True)


if __name__ == "__main__":
    main()
