"""The name of a server, the same on every machine."""

import pytest

from agentvcr.inside.mcp.naming import name_of


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("python /home/me/calc.py --fast", "calc"),
        ("/usr/bin/python3.11 -u -X dev calc.py", "calc"),
        ("python -m weather.server --port 1", "weather.server"),
        ("python -c pass", "python"),
        ("npx -y @scope/server-files@1.2 /data", "server-files"),
        ("uvx mcp-server-time==1.0 --local", "mcp-server-time"),
        ("uv run --directory /home/me/x server.py", "server"),
        ("docker run -i --rm -e KEY=1 acme/search", "search"),
        ("node build/index.js", "index"),
        ("/opt/tools/search --root /", "search"),
        ("python", "python"),
    ],
)
def test_a_server_is_named_by_what_runs_and_never_by_a_path(command, name):
    assert name_of(command.split()) == name


def test_no_command_has_a_name_too():
    assert name_of([]) == "server"
