from tests.support.battery import Battery


class TestBotocore(Battery):
    client = "botocore"
