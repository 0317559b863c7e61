from tests.support.battery import Battery


class TestUrllib3(Battery):
    client = "urllib3"
