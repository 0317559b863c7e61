import pytest

from agentvcr.detectors import suspects


@pytest.mark.parametrize(
    "line",
    [
        "', '.join({'a', 'b'})",
        "', '.join(names)",
        "list(names)",
        "f'{names}'",
        "for one in names: pass",
        "[one for one in names | other]",
        "names.pop()",
        "next(iter(names))",
        "print(*names)",
        "str(names.union(other))",
    ],
)
def test_a_line_in_which_the_order_of_a_set_shows_is_found(line):
    source = f"names = set(given)\ndef work():\n    {line}\n"
    assert (3, "work") in suspects.loops_over_sets(source)


@pytest.mark.parametrize(
    "line", ["sorted(names)", "len(names)", "'a' in names", "', '.join(rows)", "rows.pop()"]
)
def test_a_line_in_which_it_does_not_show_is_none(line):
    assert suspects.loops_over_sets(f"names = {{1, 2}}\nrows = [1]\n{line}\n") == []


def test_names_are_sets_by_annotation_too():
    assert suspects.loops_over_sets("def work(names: set[str]):\n    return list(names)\n") == [
        (2, "work")
    ]


def test_calls_are_found_by_their_last_name():
    source = "import os, asyncio\nfor one in asyncio.as_completed(x): pass\nos.getpid()\nid(x)\n"
    assert suspects.takes_first_come(source) == [(2, "<module>")]
    assert suspects.takes_process_ids(source) == [(3, "<module>")]
    assert suspects.takes_addresses(source) == [(4, "<module>")]


def test_what_is_no_python_has_no_suspects():
    assert suspects.loops_over_sets("def (") == []


def test_a_function_that_returns_a_set_stands_for_one():
    source = "def topics():\n    return {'oak', 'elm'}\nfor one in topics(): pass\n"
    assert suspects.loops_over_sets(source) == [(3, "<module>")]
