from tests.support.battery import Battery


class TestSync(Battery):
    client = "httpx2"


class TestAsync(Battery):
    client = "httpx2-async"
