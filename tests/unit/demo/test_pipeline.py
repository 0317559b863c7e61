"""The demo's crew of agents, run as a user runs it, without any recorder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentvcr import demo
from agentvcr.demo import story
from agentvcr.demo.provider import DemoProvider

PIPELINE = Path(demo.__file__).with_name(story.PROGRAM)


@pytest.fixture(scope="module")
def said() -> list[str]:
    with DemoProvider(seed=1, delay_s=0) as provider:
        done = subprocess.run(
            [sys.executable, PIPELINE],
            env={**os.environ, "DEMO_BASE_URL": provider.base_url, "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout.splitlines()


def test_each_agent_says_what_it_did(said):
    agents = [line[:13].strip() for line in said]
    assert agents == ["planner", "researcher 1", "researcher 2", "writer"]


def test_writer_is_handed_what_both_researchers_found(said):
    _, first, second, text = (line[14:].strip() for line in said)
    assert first in text
    assert second in text


def test_the_prompt_that_the_tour_edits_is_there_once():
    assert PIPELINE.read_text(encoding="utf-8").count(story.OLD_PROMPT) == 1
