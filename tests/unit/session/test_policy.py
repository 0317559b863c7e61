"""What a project configures of verdicts, and what the command line says besides."""

import pytest

from agentvcr.errors import BadOptionError
from agentvcr.model.policy import Policy
from agentvcr.session.policy import policy_of


@pytest.fixture
def configured(tmp_path, monkeypatch):
    def write(text):
        (tmp_path / "agentvcr.toml").write_text(text)
        monkeypatch.chdir(tmp_path)

    return write


def test_without_a_word_every_difference_fails(configured):
    configured("")
    assert policy_of() == Policy()
    assert [Policy().passes(one) for one in ("identical", "benign", "regression")] == [
        *(True, False, False)
    ]


def test_the_command_line_goes_before_the_configuration(configured):
    configured('[test]\nbenign = "pass"\ntreat = {wording = "ignore", added = "benign"}\n')
    assert policy_of().treat == {"wording": "ignore", "added": "benign"}
    found = policy_of(benign="fail", regression="warn", treat=["wording=regression"])
    assert found == Policy(
        benign="fail", regression="warn", treat={"wording": "regression", "added": "benign"}
    )
    assert found.passes("regression")


@pytest.mark.parametrize("text", ["", "wording", "wording=fail", "words=benign", "=benign"])
def test_an_unknown_kind_or_weight_is_refused(configured, text):
    configured("")
    with pytest.raises(BadOptionError):
        policy_of(treat=[text])


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[test]\nbenign = "warn"\n', "test.benign"),
        ('[test]\ntreat = {words = "ignore"}\n', "test.treat"),
        ('[test]\ntreat = {wording = "fail"}\n', "test.treat"),
        ("[test]\njobs = 3\n", "test.jobs"),
    ],
)
def test_what_the_configuration_cannot_say_is_refused_with_its_place(configured, text, key):
    configured(text)
    with pytest.raises(BadOptionError) as caught:
        policy_of()
    assert key in caught.value.where
