"""Lines of a source that may let an order in that nobody chose: loops over sets, first come first.

Owns what such a line looks like. Reads syntax alone: what a name stands for is guessed from how it
is assigned in the same file.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Suspect = tuple[int, str]
"""A line, and the function that it is in; `<module>` outside of any."""

_MAKES_SETS = {"set", "frozenset"}
_OF_SETS = {"union", "intersection", "difference", "symmetric_difference", "copy"}
_KEEPS_ORDER = {
    "list",
    "tuple",
    "enumerate",
    "map",
    "filter",
    "iter",
    "str",
    "repr",
    "join",
    "zip",
    "next",
}
"""Calls in which the order of what they are given shows."""
_FIRST_COME = {"as_completed", "imap_unordered", "wait", "as_completed_futures"}


def loops_over_sets(source: str) -> list[Suspect]:
    """Give the lines in which the order of a set shows."""
    tree = _parsed(source)
    if tree is None:
        return []
    names = _names_of_sets(tree)
    return sorted(
        {
            (one.lineno, function)
            for node, function in _nodes(tree)
            for one in _in_order(node)
            if _is_set(one, names)
        }
    )


def takes_first_come(source: str) -> list[Suspect]:
    """Give the lines that take results in the order in which they come."""
    return _calls(source, _FIRST_COME)


def takes_addresses(source: str) -> list[Suspect]:
    """Give the lines that ask for an object's address."""
    return _calls(source, {"id"})


def takes_hashes(source: str) -> list[Suspect]:
    """Give the lines that ask for an object's hash."""
    return _calls(source, {"hash"})


def takes_process_ids(source: str) -> list[Suspect]:
    """Give the lines that ask for the number of a process."""
    return _calls(source, {"getpid", "getppid", "pid"})


def _calls(source: str, names: set[str]) -> list[Suspect]:
    tree = _parsed(source)
    calls = [
        (node.lineno, function)
        for node, function in (_nodes(tree) if tree is not None else ())
        if isinstance(node, ast.Call) and _called(node) in names
    ]
    return sorted(set(calls))


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _nodes(tree: ast.AST, function: str = "<module>") -> Iterator[tuple[ast.AST, str]]:
    for node in ast.iter_child_nodes(tree):
        yield node, function
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _nodes(node, node.name)
        else:
            yield from _nodes(node, function)


def _names_of_sets(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.NamedExpr) and _is_set(node.value, names):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {_name(one) for one in targets}
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            kind = node.annotation
            kind = kind.value if isinstance(kind, ast.Subscript) else kind
            if _name(kind) in {"set", "frozenset", "Set", "FrozenSet"}:
                names.add(node.arg if isinstance(node, ast.arg) else _name(node.target))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = [one.value for one in ast.walk(node) if isinstance(one, ast.Return)]
            if any(one is not None and _is_set(one, names) for one in given):
                names.add(f"{node.name}()")
    return names - {""}


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.Call) -> str:
    return _name(node.func)


def _is_set(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Name | ast.Attribute):
        return _name(node) in names
    if isinstance(node, ast.BinOp) and isinstance(
        node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor
    ):
        return _is_set(node.left, names) or _is_set(node.right, names)
    if isinstance(node, ast.Call):
        called = _called(node)
        if f"{called}()" in names or isinstance(node.func, ast.Name):
            return called in _MAKES_SETS or f"{called}()" in names
        return called in _OF_SETS and _is_set(_object(node.func), names)
    return False


def _object(node: ast.AST) -> ast.AST:
    return node.value if isinstance(node, ast.Attribute) else node


def _in_order(node: ast.AST) -> Iterator[ast.expr]:
    """Give what a node takes apart in order."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        yield node.iter
    elif isinstance(node, ast.Call):
        if _called(node) in _KEEPS_ORDER:
            yield from node.args
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "pop":
            yield node.func.value
    elif isinstance(node, ast.FormattedValue | ast.Starred):
        yield node.value
