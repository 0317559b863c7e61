"""A configuration of pre-commit gets an entry, or none where that would not be sure to be right."""

import pytest
import yaml

from agentvcr.interop.pre_commit import names_hook, with_entry

ENTRY = "- repo: local\n  hooks:\n    - id: ours\n      entry: check it\n"


@pytest.mark.parametrize(
    "text",
    [
        "repos:\n- repo: meta\n  hooks: []\n",
        "repos:\n  - repo: meta\n    hooks: []\n\n# the end\n",
        "fail_fast: true\nrepos:\n    - repo: meta\n      hooks: []",
    ],
)
def test_an_entry_is_added_behind_the_others(text):
    lines = with_entry(text, ENTRY)
    gap = "" if text.endswith("\n") else "\n"
    before, after = yaml.safe_load(text), yaml.safe_load(text + gap + lines)
    assert after == {**before, "repos": before["repos"] + yaml.safe_load(ENTRY)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "repos: []\n",
        "repos: [{repo: meta, hooks: []}]\n",
        "repos:\n- repo: meta\n  hooks: []\nci:\n  skip: [x]\n",
        "repos:\n   - repo: meta\n     hooks: []\n",
        "- repos\n",
        "repos: [\n",
        "repos:\n- repo: meta\n  hooks:\n  - entry: |\n      x\n  more: |2\n     - y\n\n\n---\n",
    ],
)
def test_where_it_would_come_out_otherwise_nothing_is_added(text):
    assert with_entry(text, ENTRY) is None


@pytest.mark.parametrize(
    ("hook", "is_named"),
    [
        ("id: agentvcr-verify", True),
        ("{id: mine, entry: agentvcr verify --json}", True),
        ("{id: other, entry: 5}", False),
        ("id", False),
    ],
)
def test_a_hook_is_known_by_its_command_or_its_id(hook, is_named):
    assert names_hook(f"repos:\n- repo: x\n  hooks:\n  - {hook}\n", "agentvcr verify") == is_named
