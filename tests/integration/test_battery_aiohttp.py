from tests.support.battery import Battery


class TestAiohttp(Battery):
    client = "aiohttp"
