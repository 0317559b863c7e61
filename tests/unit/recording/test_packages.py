"""Versions are found beside the packages, whatever these are called and whoever installed them."""

import pytest

from agentvcr.recording.packages import Site


@pytest.fixture
def folder(tmp_path):
    for name, record in {
        "openai-1.2.0.dist-info": "openai/__init__.py,,",
        "PyYAML-6.0.1.dist-info": "yaml/__init__.py,,\n_yaml/__init__.py,,",
        "google_genai-1.0.dist-info": "google/genai/client.py,,",
        "google_auth-2.9.dist-info": "google/auth/x.py,,\ngoogle/oauth2/x.py,,",
        "six-1.16.dist-info": "six.py,,",
        "python_dotenv-1.0.dist-info": "dotenv/main.py,,",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "RECORD").write_text(record)
    (tmp_path / "old_thing-0.9-py3.9.egg-info").mkdir()
    (tmp_path / "old_thing-0.9-py3.9.egg-info" / "top_level.txt").write_text("thing\n")
    (tmp_path / "bare-dist-info").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("openai", {"openai": "1.2.0"}),
        ("yaml", {"PyYAML": "6.0.1"}),
        ("google/genai", {"google-genai": "1.0"}),
        ("google/oauth2", {"google-auth": "2.9"}),
        ("six.py", {"six": "1.16"}),
        ("dotenv", {"python-dotenv": "1.0"}),
        ("thing", {"old-thing": "0.9"}),
        ("ope", {}),
        ("genai", {}),
        ("a(b", {}),
    ],
)
def test_a_part_is_of_the_package_that_lists_it(folder, part, found):
    assert dict(Site(str(folder)).versions([part])) == found


def test_only_a_folder_that_an_installer_wrote_to_is_one(folder, tmp_path):
    assert Site(str(folder)).is_one
    own = tmp_path / "src"
    (own / "mine.egg-info").mkdir(parents=True)
    assert not Site(str(own)).is_one
    assert not Site(str(tmp_path / "nowhere")).is_one
