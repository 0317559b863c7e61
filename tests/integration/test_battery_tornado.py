from tests.support.battery import Battery


class TestTornado(Battery):
    client = "tornado"
