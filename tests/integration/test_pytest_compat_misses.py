"""A request that vcrpy's cassette has no answer for, as `--agentvcr-compat` tells it."""

import pytest
from junitparser.xunit2 import JUnitXml

from tests.support.github_runner import commands

MATCHED = """
@pytest.mark.vcr(match_on=["uri", "body"])
def test_one():
    print("told", ask(os.environ.get("WORD", "hello")))
"""
MISSED = """\
the cassette has no answer to POST /v1/chat/completions

  step   1 POST /v1/chat/completions
  field  request.messages[0].content

  recorded                              | now
  ------------------------------------- | -------------------------------------
  hello                                 | goodbye

  asked for at test_crew.py:14

  To record it anew:
    pytest --record-mode=rewrite test_crew.py::test_one"""


def test_a_miss_is_told_beside_vcrpys_own_words(project):
    project.write(MATCHED)
    assert project.compat("--record-mode=once").returncode == 0
    done = project.compat(WORD="goodbye")
    assert done.returncode == 1
    assert "CannotOverwriteExistingCassetteException" in done.stdout
    section = done.stdout.partition("-- agentvcr --")[2].partition("\n")[2]
    assert section.partition("\n===")[0] == MISSED


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_reports_of_ci_have_a_miss_too(project, workers):
    project.write(MATCHED)
    project.compat("--record-mode=once", WORD="::error::x ##[group]")
    page = project.folder / "page.md"
    github = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(page)}
    done = project.compat("--junitxml=j.xml", *workers, WORD="goodbye", **github)
    assert done.returncode == 1
    assert "error::x" in done.stdout.partition("-- agentvcr --")[2]
    *others, command = commands(done.stdout)
    assert [one.name for one in others] == ["group"], "vcrpy's own words have it, and ours do not"
    title = "regression: test_crew.py::test_one"
    assert command.properties == {"file": "test_crew.py", "line": "14", "title": title}
    suite = JUnitXml.fromfile(str(project.folder / "j.xml"))
    told = {one.name: one.value for one in next(iter(next(iter(suite)))).properties()}
    assert told["agentvcr.field"] == "request.messages[0].content"
    assert told["agentvcr.cassette"] == "cassettes/test_crew/test_one.yaml"
    assert told["agentvcr.record"] == "pytest --record-mode=rewrite test_crew.py::test_one"
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# agentvcr: ")
    assert "the cassette has no answer to POST /v1/chat/completions" in text


def test_without_a_cassette_it_is_said_how_to_record_one(project):
    project.write(MATCHED)
    section = project.compat().stdout.partition("-- agentvcr --")[2]
    assert "there is no cassette cassettes/test_crew/test_one.yaml" in section
    assert "pytest --record-mode=once test_crew.py::test_one" in section


TWICE = """
@pytest.mark.vcr(match_on=["uri", "body"])
def test_one():
    for word in os.environ.get("WORDS", "hello again").split():
        try:
            print("told", ask(word))
        except Exception as caught:
            error = caught
    if "error" in locals():
        raise error
"""


def test_of_several_misses_the_first_is_reported_and_each_is_told(project):
    project.write(TWICE)
    assert project.compat("--record-mode=once").returncode == 0
    done = project.compat("--junitxml=j.xml", WORDS="goodbye never", GITHUB_ACTIONS="true")
    assert done.returncode == 1
    section = done.stdout.partition("-- agentvcr --")[2].partition("\n::error")[0]
    assert section.count("the cassette has no answer to POST /v1/chat/completions") == 2
    assert len(commands(done.stdout)) == 1
    suite = JUnitXml.fromfile(str(project.folder / "j.xml"))
    names = [one.name for one in next(iter(next(iter(suite)))).properties()]
    assert len(names) == len(set(names)) > 0
