from tests.support.battery import Battery


class TestHttplib2(Battery):
    client = "httplib2"
