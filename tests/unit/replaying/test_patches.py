"""What a fork's FIELD=VALUE may be, and what is told of one that makes no sense."""

import pytest

from agentvcr.errors import BadOptionError
from agentvcr.replaying.patches import parse


@pytest.mark.parametrize("value", ["²", "٢٠٠", "", "-200", "199", "600", "2e2"])
def test_a_status_is_a_number_from_200_to_599(value):
    with pytest.raises(BadOptionError, match="is no status"):
        parse(f"response.status={value}")


def test_a_mistyped_field_is_told_without_its_value():
    with pytest.raises(BadOptionError) as failed:
        parse("response.txt=sk-live-0123456789")
    assert "response.txt" in failed.value.what
    assert "sk-live" not in repr(vars(failed.value))
    with pytest.raises(BadOptionError) as failed:
        parse("sk-live-0123456789")
    assert "sk-live" not in repr(vars(failed.value))
