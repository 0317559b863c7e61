"""The clients of the battery by name. Each is imported when it is asked for."""

import importlib

CLIENTS = {
    "httpx": "httpx_family.Sync",
    "httpx-async": "httpx_family.Async",
    "httpx2": "httpx_family.Sync2",
    "httpx2-async": "httpx_family.Async2",
    "aiohttp": "aiohttp_client.Aiohttp",
    "urllib.request": "standard_library.UrllibRequest",
    "http.client": "standard_library.HttpClient",
    "urllib3": "urllib3_family.Urllib3",
    "requests": "urllib3_family.Requests",
    "httplib2": "httplib2_client.Httplib2",
    "botocore": "urllib3_family.Botocore",
    "tornado": "tornado_client.Tornado",
}


def client_named(name):
    """Find the class of one client."""
    module, _, kind = CLIENTS[name].partition(".")
    return getattr(importlib.import_module(f"tests.programs.battery.{module}"), kind)
