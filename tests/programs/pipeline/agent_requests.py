"""An agent that asks through requests."""

import requests
import talking


def tell(pipe):
    with requests.Session() as session:
        pipe.send(talking.talk(lambda body: session.post(talking.URL, json=body).content))
