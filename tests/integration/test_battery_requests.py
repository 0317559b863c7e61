from tests.support.battery import Battery


class TestRequests(Battery):
    client = "requests"
