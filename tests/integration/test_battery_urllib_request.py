from tests.support.battery import Battery


class TestUrllibRequest(Battery):
    client = "urllib.request"
