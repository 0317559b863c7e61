from tests.support.battery import Battery


class TestHttpClient(Battery):
    client = "http.client"
