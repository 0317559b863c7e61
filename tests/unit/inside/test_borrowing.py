"""vcrpy is found where the program has none, and leaves nothing behind."""

import subprocess
import sys

import pytest

from agentvcr.channel.lending import lent

ALONE = """
import sys
sys.path[:] = [one for one in sys.path if "site-packages" not in one]
sys.path.append({source!r})
before = set(sys.modules)
from agentvcr.inside.borrowing import Borrowed, why_not
try:
    with Borrowed():
        import vcr.cassette
except ImportError:
    print(why_not())
else:
    print(vcr.cassette.Cassette.__name__)
names = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})
print([one for one in names if one in ("vcr", "yaml", "_yaml", "wrapt", "httpx", "requests")])
print([type(one).__name__ for one in sys.meta_path if type(one).__module__.startswith("agentvcr")])
"""


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        (lent(), "Cassette"),
        ("", "vcrpy is not installed in this Python {}.{}".format(*sys.version_info)),
        ("/nowhere", "vcrpy is not installed in this Python {}.{}".format(*sys.version_info)),
    ],
    ids=["lent", "not lent", "gone"],
)
def test_vcrpy_is_borrowed_where_it_is_lent_and_taken_out_again(folder, said):
    source = next(path for path in sys.path if path.endswith("src"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", ALONE.format(source=source)],
        env={"AGENTVCR_LENT": folder},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [said, "[]", "[]"]
