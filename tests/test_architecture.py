"""Rules of the house that no other tool checks: sizes, names, first sentences, and what is inside.

The layers themselves are import-linter's, in pyproject.toml.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "agentvcr"
INSIDE = PACKAGE / "inside"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = sorted(
    path
    for folder in ("src", "tests", "docs", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)

FILE_LINES = 400
FUNCTION_LINES = 40
SIZE_WAIVERS = ROOT / "tests" / "size_waivers.txt"
MOST_SIZE_WAIVERS = 0  # may only be lowered

EMPTY_NAMES = {"utils", "util", "misc", "helpers", "helper", "common"}

# The one client that an interceptor file may import, by its file's name.
CLIENTS = {
    "httpx": {"httpx", "httpx2", "httpcore", "httpcore2"},
    "vcrpy_tail": {"vcr"},
}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


# --- sizes ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measure:
    place: str
    lines: int
    limit: int


def function_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the body; a docstring may be as long as it likes, and parameters are ruff's matter."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1 if body else 0


def measures(path: Path) -> list[Measure]:
    place = relative(path)
    whole = Measure(place, len(path.read_text(encoding="utf-8").splitlines()), FILE_LINES)
    functions = [
        Measure(f"{place}::{node.name}", function_lines(node), FUNCTION_LINES)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [whole, *functions]


def size_waivers() -> dict[str, int]:
    """Read `place lines | reason` from the waiver list."""
    found = {}
    for line in SIZE_WAIVERS.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            what, _, reason = line.partition(" | ")
            assert reason.strip(), f"a waiver without a reason: {line}"
            place, lines = what.split()
            found[place] = int(lines)
    return found


def test_files_and_functions_stay_small():
    waivers = size_waivers()
    too_large = {
        measure.place: measure.lines
        for path in SOURCES
        for measure in measures(path)
        if measure.lines > measure.limit
    }
    assert {
        place: lines for place, lines in too_large.items() if lines > waivers.get(place, 0)
    } == {}, f"over {FILE_LINES} lines a file or {FUNCTION_LINES} a function: split it"
    assert {
        place: lines for place, lines in waivers.items() if lines > too_large.get(place, 0)
    } == {}, "smaller than its waiver by now: lower or remove the waiver"


def test_the_list_of_size_waivers_only_shrinks():
    assert len(size_waivers()) <= MOST_SIZE_WAIVERS


# --- names and first sentences --------------------------------------------------------------------


def test_no_module_is_a_drawer_for_the_rest():
    assert [relative(path) for path in SOURCES if path.stem in EMPTY_NAMES] == []
    assert [
        relative(path) for path in PACKAGE.rglob("*") if path.is_dir() and path.name in EMPTY_NAMES
    ] == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_says_what_it_is(path):
    words = (ast.get_docstring(parse(path)) or "").split()
    assert len(words) >= 5, "a module's docstring opens with a sentence that says what it owns"


# --- inside the recorded program ------------------------------------------------------------------


def imported(tree: ast.Module) -> set[str]:
    """Every absolute name a file imports, wherever in the file it does so."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize(
    "path", [PACKAGE / "__init__.py", *sorted(INSIDE.rglob("*.py"))], ids=relative
)
def test_inside_imports_the_standard_library_and_itself(path):
    own_client = CLIENTS.get(path.stem, set()) if path.parent.name == "interceptors" else set()
    foreign = {
        name
        for name in imported(parse(path))
        if name.partition(".")[0] not in sys.stdlib_module_names | own_client
        and name != "agentvcr.inside"
        and not name.startswith("agentvcr.inside.")
    }
    if path == PACKAGE / "__init__.py":
        foreign -= {
            "agentvcr.session.blocks",
            "agentvcr.session.checks",
        }  # for type checkers; loaded when it is first used
    assert foreign == set()


@pytest.mark.parametrize(
    "path", [PACKAGE / "__init__.py", *sorted(INSIDE.rglob("*.py"))], ids=relative
)
def test_inside_keeps_to_python_3_9_syntax(path):
    ast.parse(path.read_text(encoding="utf-8"), filename=str(path), feature_version=(3, 9))


# Runs in the foreign interpreter, so it keeps to 3.9 as well.
LOAD_INSIDE = """
import importlib, importlib.util, json, os, sys
before = set(sys.modules)
package, names = sys.argv[1], json.loads(sys.argv[2])
spec = importlib.util.spec_from_file_location(
    "agentvcr", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
)
module = sys.modules["agentvcr"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for name in names:
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def inside_modules() -> list[str]:
    """Name each module under inside/ that is imported by name, and not run from a bare folder."""
    return [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted(INSIDE.rglob("*.py"))
        if all((folder / "__init__.py").exists() for folder in (path.parent, path.parent.parent))
    ]


@functools.cache
def interpreters() -> list[str]:
    """Find one interpreter of each version from 3.9 on: on PATH, in /usr/bin, and pyenv's."""
    names = ["python3", *(f"python3.{minor}" for minor in range(9, 16))]
    candidates = [shutil.which(name) for name in names]
    candidates += [f"/usr/bin/{name}" for name in names]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates += [str(path) for path in sorted(pyenv.glob("versions/*/bin/python3"))]
    found: dict[str, str] = {}
    for candidate in filter(None, candidates):
        if os.access(candidate, os.X_OK):
            question = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
            answer = subprocess.run(
                [candidate, "-BSE", "-c", question], capture_output=True, text=True, check=False
            )
            version, _, executable = answer.stdout.strip().partition(" ")
            if re.fullmatch(r"3\.(9|\d\d)", version):
                found.setdefault(version, executable)
    for executable in found.values():  # once, and not in each process that tests start
        compiled = [executable, "-m", "compileall", "-q", f"{PACKAGE}/__init__.py", str(INSIDE)]
        subprocess.run(compiled, check=False)
    return list(found.values())


def load_inside(python: str) -> str:
    """Import all of inside/ in another interpreter; say what went wrong, or nothing."""
    result = subprocess.run(
        [python, "-BSE", "-c", LOAD_INSIDE, str(PACKAGE), json.dumps(inside_modules())],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    if result.returncode:
        return result.stderr
    # What is standard is this Python's list; "_sysconfigdata…" has the platform in its name.
    expected = sys.stdlib_module_names | {"agentvcr", "_opcode_metadata"}  # 3.13's, in no list
    loaded = {name.partition(".")[0] for name in json.loads(result.stdout)}
    foreign = {name for name in loaded - expected if not name.startswith("_sysconfigdata")}
    return f"loaded {', '.join(sorted(foreign))}" if foreign else ""


def test_inside_loads_by_path_in_interpreters_without_our_dependencies():
    found = interpreters()
    if not found:
        pytest.skip("no foreign interpreter: no second Python 3.9 or newer on this machine")
    problems = {python: problem for python in found if (problem := load_inside(python))}
    report = "".join(f"\n{python}\n{problem}" for python, problem in problems.items())
    assert not problems, report
