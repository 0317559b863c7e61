"""Run the command line as `python -m agentvcr`."""

from agentvcr.cli.main import run

run()
