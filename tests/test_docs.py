"""What the documents say is true: code runs, pages are current, links lead somewhere.

Blocks marked `python`, `bash` and `console` in README.md and docs/ are run, in a folder of their
own for each page, in order. On the line before a block may stand:

- `<!-- no-run: reason -->`: not run; tests/no_run_waivers.txt lists every one.
- `<!-- file: name -->`: not run but written to that file, for later blocks of the page.

A console block has `$ command` lines, each with its output. `…` stands for anything. A command that
fails must be followed by `$ echo $?`.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import agentvcr
from agentvcr import errors

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ALL_PAGES = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
RUNNING = ("python", "bash", "console")

NO_RUN_WAIVERS = ROOT / "tests" / "no_run_waivers.txt"
MOST_NO_RUN_WAIVERS = 1  # may only be lowered

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>no-run|file): (?P<note>.+?) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
SENTINEL = "----8<---- end of a command: "


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    mark: str
    note: str


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["language"], m["code"], m["mark"] or "", m["note"] or "") for m in found]


# --- code runs ------------------------------------------------------------------------------------


def environment(home: Path) -> dict[str, str]:
    """Let blocks find this environment's commands, and nothing of the user's own settings."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    left_out = ("PYTEST_ADDOPTS", "GITHUB_ACTIONS")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, "PATH": path, "HOME": str(home), "NO_COLOR": "1", "TERM": "dumb"}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )


def dialogue(code: str) -> list[tuple[str, str]]:
    """Split a console block into commands, each with the output it should have."""
    turns: list[tuple[str, str]] = []
    for line in code.splitlines(keepends=True):
        if line.startswith("$ "):
            turns.append((line[2:].rstrip("\n"), ""))
        else:
            assert turns, "a console block begins with a `$ command` line"
            command, output = turns[-1]
            turns[-1] = (command, output + line)
    return turns


def loosely(expected: str) -> re.Pattern[str]:
    """Make a pattern of an output in which `…` stands for anything."""
    lines = "\n".join(line.rstrip() for line in expected.strip().splitlines())
    return re.compile(".*?".join(map(re.escape, lines.split("…"))), flags=re.DOTALL)


def check_console(code: str, folder: Path) -> None:
    turns = dialogue(code)
    script = "".join(
        f"{command}\n__status=$?; printf '\\n{SENTINEL}%s\\n' $__status; (exit $__status)\n"
        for command, _ in turns
    )
    said = run(["bash", "-c", script], folder).stdout
    answers = re.split(rf"\n{SENTINEL}(\d+)\n", said)
    assert len(answers) == 2 * len(turns) + 1, f"the shell stopped early:\n{said}"
    for number, (command, expected) in enumerate(turns):
        output, status = answers[2 * number], answers[2 * number + 1]
        output = "\n".join(line.rstrip() for line in output.strip().splitlines())
        assert loosely(expected).fullmatch(output), (
            f"$ {command}\n{output}\n-- instead of --\n{expected}"
        )
        asked = number + 1 < len(turns) and turns[number + 1][0] == "echo $?"
        assert status == "0" or asked, f"$ {command}\n{output}\nended with status {status}"


def check(block: Block, folder: Path) -> None:
    if block.mark == "file":
        (folder / block.note).write_text(block.code, encoding="utf-8")
    elif block.mark == "no-run" or block.language not in RUNNING:
        pass
    elif block.language == "console":
        check_console(block.code, folder)
    else:
        program = [sys.executable, "-c"] if block.language == "python" else ["bash", "-euc"]
        result = run([*program, block.code], folder)
        assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_code_in_the_documents_runs(page, tmp_path):
    for block in blocks(page):
        check(block, tmp_path)


def test_blocks_that_are_not_run_are_few_and_listed():
    marked = [
        f"{relative(page)} | {block.note}"
        for page in PAGES
        for block in blocks(page)
        if block.mark == "no-run"
    ]
    lines = NO_RUN_WAIVERS.read_text(encoding="utf-8").splitlines()
    waivers = [line for line in lines if line.strip() and not line.startswith("#")]
    assert marked == waivers
    assert len(waivers) <= MOST_NO_RUN_WAIVERS


def test_every_block_of_the_tutorial_for_tests_is_run():
    page = ROOT / "docs" / "tutorial-tests.md"
    found = blocks(page)
    assert page.read_text(encoding="utf-8").count("```") == 2 * len(found)
    run_or_written = [one for one in found if one.mark == "file" or one.language in RUNNING]
    left = [one.code for one in found if one not in run_or_written or one.mark == "no-run"]
    assert left == ["pip install .\n"]


def test_a_wrong_output_is_found(tmp_path):
    check_console("$ echo one two three\none … three\n$ false\n$ echo $?\n1\n", tmp_path)
    with pytest.raises(AssertionError, match="instead of"):
        check_console("$ echo one\ntwo\n", tmp_path)
    with pytest.raises(AssertionError, match="ended with status 1"):
        check_console("$ false\n", tmp_path)


# --- pages are current ----------------------------------------------------------------------------


def test_the_command_line_page_is_current():
    script = ROOT / "docs" / "generate_cli.py"
    spec = importlib.util.spec_from_file_location("generate_cli", script)
    generate_cli = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate_cli)
    assert generate_cli.PAGE.read_text(encoding="utf-8") == generate_cli.page(), "run `make docs`"


def error_classes() -> list[type[errors.AgentVCRError]]:
    found = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.AgentVCRError)
    ]
    # The last one is raised in the recorded program, which need not have our errors.
    return [*(cls for cls in found if cls is not errors.AgentVCRError), agentvcr.UnkeepableError]


def error_entries() -> dict[str, str]:
    """Read the page of errors: the text below each heading, by slug."""
    text = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_error_has_an_entry_and_every_entry_an_error():
    assert set(error_entries()) == {cls.slug for cls in error_classes()}


@pytest.mark.parametrize("cls", error_classes(), ids=lambda cls: cls.slug)
def test_an_error_entry_says_status_meaning_and_cure(cls):
    entry = error_entries().get(cls.slug, "")
    assert f"Exit status {cls.exit_status}." in entry
    assert re.search(r"^\*\*What it means\.\*\* \S", entry, flags=re.MULTILINE)
    assert re.search(r"^\*\*What to do\.\*\* \S", entry, flags=re.MULTILINE)


# --- links lead somewhere -------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", ALL_PAGES, ids=relative)
def test_links_within_the_project_lead_somewhere(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_make_alone_lists_every_command():
    answer = run(["make", "-C", str(ROOT)], ROOT).stdout
    listed = re.findall(r"^make ([a-z-]+)", answer, flags=re.MULTILINE)
    assert listed == [
        "setup",
        "demo",
        "check",
        "check-long",
        "test",
        "frameworks",
        "compat",
        "fix",
        "bench",
        "docs",
    ]
