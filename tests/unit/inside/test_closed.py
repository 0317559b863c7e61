"""A command line tells whether the Python that it starts will let us in."""

import os

import pytest

from agentvcr.inside import closed

CLOSED = [
    ["python", "-I", "x.py"],
    ["/usr/bin/python3", "-E", "x.py"],
    ["python3.12", "-S", "-c", "pass"],
    ["python", "-IS", "x.py"],
    ["python", "-sE", "x.py"],
    ["python", "-u", "-I", "x.py"],
    ["python", "-X", "utf8", "-I", "x.py"],
    ["python", "-Xutf8", "-W", "error", "-BE", "-m", "x"],
    ["python", "--check-hash-based-pycs", "always", "-I"],
    ["pypy3", "-I", "x.py"],
    ["env", "-i", "python", "x.py"],
    ["env", "-", "A=1", "python", "x.py"],
    ["env", "-u", "PYTHONPATH", "python", "x.py"],
    ["env", "-uPYTHONPATH", "python", "x.py"],
    ["env", "--unset=AGENTVCR_CHANNEL", "python", "x.py"],
    ["env", "PYTHONPATH=/app", "python", "x.py"],
    ["env", "-S", "python -I", "x.py"],
    ["env", "-i", "bash", "-c", "python x.py"],
    ["sudo", "python", "x.py"],
    ["sudo", "-u", "me", "python", "x.py"],
    ["sudo", "-E", "python", "-I", "x.py"],
    ["timeout", "5", "python", "-I", "x.py"],
    ["nohup", "/usr/bin/python", "-S", "x.py"],
    ["bash", "-c", "python -I x.py"],
    ["sh", "-ec", "cd /; python -E x.py"],
]
OPEN = [
    ["python", "x.py"],
    ["python"],
    [],
    ["python", "x.py", "-I"],
    ["python", "-c", "pass", "-I"],
    ["python", "-cI"],
    ["python", "-m", "x", "-E"],
    ["python", "-", "-I"],
    ["python", "-X", "I"],
    ["python", "-WIgnore", "x.py"],
    ["python", "-P", "-s", "-u", "x.py"],
    ["grep", "-I", "python"],
    ["env", "A=1", "python", "x.py"],
    ["env", "-i", "node", "x.js"],
    ["sudo", "-E", "python", "x.py"],
    ["timeout", "5", "python", "x.py"],
    ["bash", "-c", "python x.py -I"],
    ["bash", "script.sh"],
    ["bash"],
    ["nothing-of-this-name", "-I"],
]
CLOSED_TEXTS = [
    "python -I x.py",
    "cd /tmp && python -E x.py > out 2>&1",
    "true; (python -S x.py)",
    "echo a | python -I -",
    "A=1 python -I x.py",
    "PYTHONPATH= python x.py",
    "PYTHONPATH=/app python x.py",
    "export PYTHONPATH=/app; python x.py",
    "unset PYTHONPATH\npython x.py",
    "env -i python x.py",
    "if true; then python -I x.py; fi",
    "exec python -I x.py",
    "bash -c 'python -I x.py'",
]
OPEN_TEXTS = [
    "python x.py",
    "echo python -I",
    "PYTHONPATH=/app:$PYTHONPATH python x.py",
    "PYTHONPATH=${PYTHONPATH}:/app python x.py",
    "PYTHONPATH=/app true; python x.py",
    "python x.py; grep -I a b",
    "python 'unbalanced -I",
    "ls -S",
    "",
]


@pytest.mark.parametrize("words", CLOSED, ids=" ".join)
def test_these_keep_us_out(words):
    assert closed.keeps_out(words)


@pytest.mark.parametrize("words", OPEN, ids=" ".join)
def test_these_do_not(words):
    assert not closed.keeps_out(words)


@pytest.mark.parametrize("text", CLOSED_TEXTS)
def test_these_texts_of_a_shell_keep_us_out(text):
    assert closed.shell_keeps_out(text)


@pytest.mark.parametrize("text", OPEN_TEXTS)
def test_these_texts_of_a_shell_do_not(text):
    assert not closed.shell_keeps_out(text)


@pytest.mark.parametrize(
    ("first", "is_closed"),
    [
        ("#!/usr/bin/python3 -Es", True),
        ("#!/usr/bin/env -S python3 -I", True),
        ("#! /usr/bin/python -I", True),
        ("#!/usr/bin/env python3", False),
        ("#!/usr/bin/python3", False),
        ("#!/bin/sh", False),
        ("print()", False),
        ("", False),
    ],
)
def test_a_script_s_first_line_is_read(first, is_closed, tmp_path, monkeypatch):
    script = tmp_path / "tool"
    script.write_text(first + "\n")
    script.chmod(0o755)
    assert closed.keeps_out([str(script), "-I"]) is is_closed
    assert closed.keeps_out(["./tool"], str(tmp_path)) is is_closed
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert closed.keeps_out(["tool"]) is is_closed


def test_scripts_that_name_each_other_come_to_an_end(tmp_path):
    script = tmp_path / "tool"
    script.write_text(f"#!{script} -I\n")
    assert not closed.keeps_out([str(script)])
