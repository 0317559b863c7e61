"""httplib2 in the words of the battery. Not a program by itself."""

import httplib2

from tests.programs.battery.client import Answer, Client, encoded, lacking


class Httplib2(Client):
    """An `Http`, without a cache."""

    without = lacking(
        streams="reads each answer whole",
        proxy="has none without PySocks",
        retries="has none after an answer",
        http2="speaks HTTP/1.1 alone",
    )
    is_shared = False

    def __init__(self, options):
        self._http = httplib2.Http(
            timeout=options.timeout_s, ca_certs=options.ca or None, proxy_info=None
        )

    async def ask(self, ask):
        headers, body = encoded(ask)
        self._http.follow_redirects = ask.follows
        response, content = self._http.request(
            ask.url,
            ask.method,
            body=body if ask.parts is None else iter(ask.parts),
            headers=headers,
        )
        return Answer(status=response.status, headers=list(response.items()), body=content)

    async def close(self):
        self._http.close()
