"""Ask over TLS and through proxies, with a client of the http.client family.

`python -m tests.programs.family_routes CLIENT SCENE`, with a server at BASE_URL. AUTHORITY is the
file to trust, PROXY a proxy. Prints what the program sees as JSON, one line for each question.
No client is imported but the one that is asked for.
"""

import http.client
import json
import os
import ssl
import sys
import urllib.request
from urllib.parse import urlsplit

from tests.programs.family_clients import named, shown

URL = os.environ["BASE_URL"]
AUTHORITY = os.environ.get("AUTHORITY", "")
PROXY = os.environ.get("PROXY", "")
TIMEOUT_S = float(os.environ.get("TIMEOUT", "20"))
PATHS = ("/json", "/sse?events=2", "/json")


def _context(verify):
    context = ssl.create_default_context(cafile=verify or None)
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def by_http_client(url, verify, proxy):
    parts, via = urlsplit(url), urlsplit(proxy)
    is_tls = parts.scheme == "https"
    options = {"context": _context(verify)} if is_tls else {}
    kind = http.client.HTTPSConnection if is_tls else http.client.HTTPConnection
    conn = kind((via if proxy else parts).netloc, timeout=TIMEOUT_S, **options)
    if proxy and is_tls:
        conn.set_tunnel(parts.netloc)
    for path in PATHS:
        conn.request("GET", path if is_tls or not proxy else url + path)
        response = conn.getresponse()
        yield response.status, response.read()
    conn.close()


def by_urllib(url, verify, proxy):
    handlers = [urllib.request.ProxyHandler({"http": proxy, "https": proxy} if proxy else {})]
    handlers.append(urllib.request.HTTPSHandler(context=_context(verify)))
    opener = urllib.request.build_opener(*handlers)
    for path in PATHS:
        with opener.open(url + path, timeout=TIMEOUT_S) as response:
            yield response.status, response.read()


def by_urllib3(url, verify, proxy):
    import urllib3

    options = {"cert_reqs": "CERT_NONE"} if verify is False else {"ca_certs": verify}
    options = {"retries": False, "timeout": TIMEOUT_S, **options}
    manager = urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)
    for path in PATHS:
        response = manager.request("GET", url + path)
        yield response.status, response.data


def by_requests(url, verify, proxy):
    import requests

    session = requests.Session()
    session.trust_env = False
    proxies = {"http": proxy, "https": proxy} if proxy else {}
    for path in PATHS:
        response = session.get(url + path, verify=verify, proxies=proxies, timeout=TIMEOUT_S)
        yield response.status_code, response.content


def by_httplib2(url, verify, proxy):
    import httplib2

    options = (
        {"disable_ssl_certificate_validation": True} if verify is False else {"ca_certs": verify}
    )
    if proxy:
        via = urlsplit(proxy)
        kind = httplib2.socks.PROXY_TYPE_HTTP
        options["proxy_info"] = httplib2.ProxyInfo(kind, via.hostname, via.port)
    client = httplib2.Http(timeout=TIMEOUT_S, **options)
    for path in PATHS:
        response, content = client.request(url + path)
        yield response.status, content


def by_botocore(url, verify, proxy):
    import botocore.awsrequest
    import botocore.httpsession

    proxies = {"http": proxy, "https": proxy} if proxy else None
    session = botocore.httpsession.URLLib3Session(verify=verify, proxies=proxies, timeout=TIMEOUT_S)
    for path in PATHS:
        response = session.send(botocore.awsrequest.AWSRequest("GET", url + path).prepare())
        yield response.status_code, response.content


CLIENTS = {
    name[3:].replace("http_client", "http.client"): ask
    for name, ask in globals().items()
    if name[:3] == "by_"
}
SCENES = {
    "trusted": lambda ask: ask(URL, AUTHORITY, ""),
    "unverified": lambda ask: ask(URL, False, ""),  # noqa: FBT003 - as clients say it
    "untrusted": lambda ask: ask(URL, os.environ["OTHER_AUTHORITY"], ""),
    "proxied": lambda ask: ask(URL, AUTHORITY, PROXY),
    "proxied_unverified": lambda ask: ask(URL, False, PROXY),  # noqa: FBT003 - as above
}


def main():
    client, scene = sys.argv[1:]
    try:
        for status, content in SCENES[scene](CLIENTS[client]):
            print(json.dumps([status, shown(content)]), flush=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the program sees
        print(json.dumps(named(error)))


if __name__ == "__main__":
    main()
