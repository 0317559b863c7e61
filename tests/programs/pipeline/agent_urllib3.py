"""An agent that asks through urllib3, for a pool of processes."""

import talking
import urllib3


def talk(_number):
    with urllib3.PoolManager() as pool:
        return talking.talk(lambda body: pool.request("POST", talking.URL, json=body).data)
