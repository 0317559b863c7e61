"""Requests with a time-out made by hand: a signal handler raises, wherever the program is.

`python alarms.py URL KIND`. Python itself loses one now and then: in a finalizer, in a client.
"""

import signal
import sys
import urllib.request

KINDS = {"error": type("Late", (Exception,), {}), "timeout": TimeoutError}
raised = []
reached = 0


def late(*_):
    raised.append(1)
    raise KINDS[sys.argv[2]]("too slow")


signal.signal(signal.SIGALRM, late)
for turn in range(150):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0004 + turn % 40 * 0.0001)
        urllib.request.urlopen(f"{sys.argv[1]}/json?turn={turn}").read()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except urllib.error.URLError as error:  # which wraps a TimeoutError, as it does without us
        reached += isinstance(error.reason, KINDS[sys.argv[2]])
    except KINDS[sys.argv[2]]:
        reached += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print("lost", len(raised) - reached)
