"""What a gRPC target stands for."""

import pytest

from agentvcr.inside.interceptors.grpc import address_of

TARGETS = {
    "localhost:50051": ("localhost", 50051),
    "api.example": ("api.example", 443),
    "dns:///api.example:50051": ("api.example", 50051),
    "dns://8.8.8.8/api.example:50051": ("api.example", 50051),
    "dns:api.example:50051": ("api.example", 50051),
    "ipv4:192.0.2.1:50051": ("192.0.2.1", 50051),
    "ipv4:192.0.2.1:50051,192.0.2.2:50051": ("192.0.2.1", 50051),
    "ipv6:[2001:db8::1]:50051": ("2001:db8::1", 50051),
    "[::1]:50051": ("::1", 50051),
    "passthrough:///localhost:50051": ("localhost", 50051),
    "dns:50051": ("dns", 50051),
    "unix:/run/x.sock": ("unix:/run/x.sock", 0),
    "unix:///run/x.sock": ("unix:/run/x.sock", 0),
    "xds:///service": ("xds:///service", 0),
}


@pytest.mark.parametrize(("target", "address"), TARGETS.items())
def test_a_targets_address_is_known(target, address):
    assert address_of(target) == address
