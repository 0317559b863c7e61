from tests.support.battery import Battery


class TestSync(Battery):
    client = "httpx"


class TestAsync(Battery):
    client = "httpx-async"
